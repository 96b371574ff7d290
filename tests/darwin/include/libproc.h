/* What of macOS's <libproc.h> is used here. */
#ifndef DARWIN_LIBPROC_H
#define DARWIN_LIBPROC_H

int	 proc_listallpids(void *, int);

#endif
