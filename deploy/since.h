#ifndef SINCE_H
#define SINCE_H

/**
 * since_text(state_dir, name, what):
 * Since when ${name} has been ${what}, "2026-01-19T13:43:00Z": the first time
 * that this was asked with the same ${what}, kept in STATE_DIR/since.json.
 * ${what} NULL: it is over, and so is the answer NULL.  The caller frees.
 */
char	*since_text(const char *state_dir, const char *name, const char *what);

#endif
