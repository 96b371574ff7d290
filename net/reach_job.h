#ifndef REACH_JOB_H
#define REACH_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "err.h"

struct reach_job;
struct url;

/*
 * What of reach.h blocks, without holding up a loop: in a thread that ends
 * with it.
 */
struct reach_ask {
	const struct url *url;
	bool why;	   /* reach_why; else reach_address */
	unsigned turn;	   /* of reach_address */
	const char *words; /* of reach_why, ${len} bytes, or NULL */
	size_t len;
};

/* The address, or the reason. */
typedef void reach_told(void *cookie, const char *text);

/**
 * reach_job_start(loop, ask, told, cookie, e):
 * Begin; NULL if there is neither a thread nor a descriptor to be had.  The
 * job is gone when ${told} is called.
 */
struct reach_job *reach_job_start(uv_loop_t *, const struct reach_ask *,
    reach_told *, void *cookie, struct err *)
    __attribute__((warn_unused_result));

/* Not to be told any more; the thread ends when its time has come. */
void reach_job_cancel(struct reach_job **);

#endif
