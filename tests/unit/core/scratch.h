#ifndef SCRATCH_H
#define SCRATCH_H

/* A directory for one test; scratch_end removes it with all that is in it. */
void	 scratch_begin(void);
void	 scratch_end(void);

/* "DIR/name"; valid until the next call but three. */
const char *scratch_path(const char *name);

/* Write a file of the scratch directory and return its path. */
const char *scratch_file(const char *name, const char *text);

#endif
