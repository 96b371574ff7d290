#ifndef VERSION_JSON_H
#define VERSION_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

/*
 * version.json of NixFleet v3: what a pipeline publishes of the newest
 * commit, for hubs that cannot read the repository.
 */
struct version_json {
	char *commit;		/* 7 to 64 hex digits, lower case */
	char *message, *branch, *repo; /* or NULL */
	char *lock_hash;	/* 64 hex digits, or NULL */
	int64_t timestamp;	/* ms since 1970, 0: none or unreadable */
};

/**
 * version_json_parse(text, len, out, e):
 * Unknown keys are ignored; a missing or malformed gitCommit or a malformed
 * lockHash is ERR_INPUT and leaves nothing to free.
 */
int	 version_json_parse(const char *, size_t, struct version_json *,
	    struct err *) __attribute__((warn_unused_result));
void	 version_json_free(struct version_json *);

#endif
