#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* What a peer of the control socket asks for. */
struct control_request {
	char *cmd;
	char *op;
	char *op_id;
	json_t *args;
	json_t *follow;		/* true, false, or NULL */
	int64_t limit;
	int64_t seconds;	/* of a pause; 0: until resume */
	char *reason;
};

/**
 * control_request_parse(line, len, req, e):
 * One request without its newline, from an untrusted peer.
 */
int	 control_request_parse(const char *, size_t, struct control_request *,
	    struct err *) __attribute__((warn_unused_result));
void	 control_request_free(struct control_request *);

#endif
