#ifndef WIRE_OP_H
#define WIRE_OP_H

/* What an operation touches and how the hub and the agent treat it. */
enum {
	WIRE_OP_REPO = 1,		/* writes to the repository */
	WIRE_OP_SYSTEM = 2,		/* changes the running system */
	WIRE_OP_DISRUPTIVE = 4,		/* restarts what people use */
	WIRE_OP_TOTP = 8,		/* only with a one-time code */
	WIRE_OP_IMMEDIATE = 16,		/* runs beside a running one */
	WIRE_OP_ONLINE_ONLY = 32,	/* never waits for an offline host */
};

/*
 * The operations that a hub or a person may ask a host for, one row each,
 * the same table in the agent, the hub and the command.  Nothing else can be
 * asked for.
 */
struct wire_op {
	const char *name;
	unsigned flags;
	int deadline_s;			/* when the hub says nothing else */
	const char *help;		/* one line, no full stop */
	int dialect;			/* 3: agents of dialect 3 know it too */
	const char *const *args;	/* its arguments, NULL-terminated */
};

extern const struct wire_op wire_op_table[];
extern const int wire_op_count;

/* The row of that name, or NULL. */
const struct wire_op *wire_op_find(const char *);

/* The name nearest to ${word}, or NULL if none is what was meant. */
const char *wire_op_nearest(const char *);

/* Is ${arg} one of the arguments of ${op}? */
int	 wire_op_has_arg(const struct wire_op *, const char *arg);

#endif
