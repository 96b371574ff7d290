#ifndef FILE_H
#define FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

/**
 * file_read(path, max, out, e):
 * Append the whole of a regular file to ${out}.  More than ${max} bytes is
 * ERR_INPUT; a missing file ERR_NOTFOUND.
 */
int	 file_read(const char *, size_t max, struct buf *, struct err *)
	    __attribute__((warn_unused_result));

/**
 * file_write(path, data, len, mode, e):
 * Replace ${path} atomically: a temporary sibling with ${mode}, write, fsync,
 * rename, fsync of the directory.  On failure the old contents stand and no
 * temporary file is left.
 */
int	 file_write(const char *, const void *, size_t, mode_t, struct err *)
	    __attribute__((warn_unused_result));

/**
 * file_mkdirs(path, mode, e):
 * Make a directory and its missing parents (parents 0755 & ~umask, the last
 * one exactly ${mode}).  An existing directory is fine and keeps its mode.
 */
int	 file_mkdirs(const char *, mode_t, struct err *)
	    __attribute__((warn_unused_result));

/**
 * file_rmtree(path, e):
 * Remove a file or a whole tree without following symbolic links or leaving
 * the file system; read-only directories inside are made writable first.  A
 * missing path is fine.
 */
int	 file_rmtree(const char *, struct err *)
	    __attribute__((warn_unused_result));

/* fsync the directory that holds ${path}. */
int	 file_sync_dir(const char *path, struct err *)
	    __attribute__((warn_unused_result));

/* Write all ${n} bytes, going on after EINTR and short writes. */
int	 file_write_all(int fd, const void *, size_t n);

bool	 file_exists(const char *);
bool	 file_is_dir(const char *);

/* "a/b", one slash between; the caller frees. */
char	*file_join(const char *a, const char *b);

/* The directory part of ${path} ("." if none); the caller frees. */
char	*file_dirname(const char *);

#endif
