#include <stddef.h>
#include <string.h>

#include "names.h"

#define COUNT(t) ((int)(sizeof(t) / sizeof((t)[0])))

const char *const names_outcomes[] = {
	[OUTCOME_OK] = "ok",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_STOPPED] = "stopped",
	[OUTCOME_TIMED_OUT] = "timed_out",
	[OUTCOME_ROLLED_BACK] = "rolled_back",
	[OUTCOME_INTERRUPTED] = "interrupted",
	[OUTCOME_COUNT] = NULL,
};

static const char *const op_states[] = {
	[OP_QUEUED] = "queued",
	[OP_SENT] = "sent",
	[OP_RUNNING] = "running",
	[OP_STOPPING] = "stopping",
	[OP_LOST] = "lost",
	[OP_AWAITING_RECONNECT] = "awaiting_reconnect",
	[OP_FINISHED] = "finished",
};

static const char *const compartments[] = {
	[COMPARTMENT_AGENT] = "agent",
	[COMPARTMENT_GIT] = "git",
	[COMPARTMENT_LOCK] = "lock",
	[COMPARTMENT_SYSTEM] = "system",
	[COMPARTMENT_TESTS] = "tests",
};

static const char *const checks[] = {
	[CHECK_UNKNOWN] = "unknown",
	[CHECK_OK] = "ok",
	[CHECK_OUTDATED] = "outdated",
	[CHECK_ERROR] = "error",
	[CHECK_WORKING] = "working",
};

static const char *const livenesses[] = {
	[LIVENESS_CONNECTED] = "connected",
	[LIVENESS_LATE] = "late",
	[LIVENESS_OFFLINE] = "offline",
	[LIVENESS_NEVER] = "never",
	[LIVENESS_STOPPED] = "stopped",
	[LIVENESS_CONFLICT] = "conflict",
};

static const char *const streams[] = {
	[STREAM_STDOUT] = "stdout",
	[STREAM_STDERR] = "stderr",
	[STREAM_NOTE] = "note",
};
static const char stream_letters[] = "oen";

static const char *const rejects[] = {
	[REJECT_BUSY] = "busy",
	[REJECT_UNKNOWN] = "unknown",
	[REJECT_BAD_ARGS] = "bad_args",
	[REJECT_PAUSED] = "paused",
	[REJECT_WINDOW] = "window",
	[REJECT_POLICY] = "policy",
};

static const char *const refusals[] = {
	[REFUSAL_HOSTNAME] = "bad_hostname",
	[REFUSAL_CONFLICT] = "identity_conflict",
	[REFUSAL_REVOKED] = "revoked",
	[REFUSAL_TOKEN] = "bad_token",
};

static int
find(const char *const *words, int n, const char *word)
{
	if (word == NULL)
		return (-1);
	for (int i = 0; i < n; i++)
		if (strcmp(words[i], word) == 0)
			return (i);
	return (-1);
}

const char *
names_outcome(enum outcome v)
{
	return (names_outcomes[v]);
}

int
names_outcome_parse(const char *s)
{
	return (find(names_outcomes, OUTCOME_COUNT, s));
}

const char *
names_op_state(enum op_state v)
{
	return (op_states[v]);
}

int
names_op_state_parse(const char *s)
{
	return (find(op_states, COUNT(op_states), s));
}

const char *
names_compartment(enum compartment v)
{
	return (compartments[v]);
}

const char *
names_check(enum check v)
{
	return (checks[v]);
}

int
names_check_parse(const char *s)
{
	if (s != NULL && *s == '\0')
		return (CHECK_UNKNOWN);
	return (find(checks, COUNT(checks), s));
}

const char *
names_liveness(enum liveness v)
{
	return (livenesses[v]);
}

const char *
names_stream(enum log_stream v)
{
	return (streams[v]);
}

int
names_stream_parse(const char *s)
{
	return (find(streams, COUNT(streams), s));
}

char
names_stream_letter(enum log_stream v)
{
	return (stream_letters[v]);
}

int
names_stream_of_letter(char c)
{
	const char *p = c != '\0' ? strchr(stream_letters, c) : NULL;

	return (p != NULL ? (int)(p - stream_letters) : -1);
}

const char *
names_reject(enum reject v)
{
	return (rejects[v]);
}

const char *
names_refusal(enum refusal v)
{
	return (refusals[v]);
}

int
names_refusal_parse(const char *s)
{
	return (find(refusals, COUNT(refusals), s));
}

/* Not isalnum(): the locale must not widen what may become a file name. */
static bool
is_label_char(char c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || c == '-');
}

int
names_hostname_check(const char *name, struct err *e)
{
	size_t n = name != NULL ? strlen(name) : 0;

	if (n == 0)
		return (err_set(e, ERR_INPUT, "the host name is empty"));
	for (size_t i = 0; i < n; i++)
		if (!is_label_char(name[i]))
			return (err_set(e, ERR_INPUT, "host name \"%.80s\" has "
			    "a character that is not allowed: only letters, "
			    "digits and '-' are (one label, no dots)", name));
	if (n > 63)
		return (err_set(e, ERR_INPUT, "host name \"%.80s…\" is longer "
		    "than 63 characters", name));
	if (name[0] == '-' || name[n - 1] == '-')
		return (err_set(e, ERR_INPUT, "host name \"%s\" begins or ends "
		    "with '-'", name));
	return (0);
}
