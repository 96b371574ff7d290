#include <stdlib.h>

#include "host_row.h"
#include "intern.h"
#include "str.h"

/* The words that are the same on both sides. */
static const struct word {
	size_t host, row;
} words[] = {
#define WORD(m) { offsetof(struct fleet_host, m), \
	offsetof(struct store_host, m) }
	WORD(id), WORD(host_type), WORD(kind), WORD(agent_version),
	WORD(os_version), WORD(nixpkgs_version), WORD(generation),
	WORD(lock_hash), WORD(theme_color), WORD(location), WORD(device_type),
	WORD(repo_url), WORD(repo_dir), WORD(comment), WORD(tests_generation),
	WORD(agent_id),
#undef WORD
};
#define NWORDS (sizeof(words) / sizeof(words[0]))

static const char **
host_word(struct fleet_host *h, size_t i)
{
	return ((const char **)(void *)((char *)h + words[i].host));
}

static void
said_load(struct intern *in, struct compartment_report *r, const char *status,
    const char *message, int64_t at)
{
	int check = names_check_parse(status);

	r->status = check == -1 ? CHECK_UNKNOWN : (uint8_t)check;
	r->message = intern_get(in, message);
	r->checked_at = at == RECORD_NONE ? 0 : at;
}

void
host_row_load(struct intern *in, struct fleet_host *h,
    const struct store_host *row)
{
	for (size_t i = 0; i < NWORDS; i++)
		*host_word(h, i) = intern_get(in, *(char *const *)(const void *)
		    ((const char *)row + words[i].row));
	said_load(in, &h->said[COMPARTMENT_AGENT], NULL, NULL, 0);
	said_load(in, &h->said[COMPARTMENT_GIT], NULL, NULL, 0);
	said_load(in, &h->said[COMPARTMENT_LOCK], row->lock_status,
	    row->lock_message, row->lock_checked);
	said_load(in, &h->said[COMPARTMENT_SYSTEM], row->system_status,
	    row->system_message, row->system_checked);
	said_load(in, &h->said[COMPARTMENT_TESTS], row->tests_status,
	    row->tests_message, row->tests_checked);
	h->facts = str_dup(row->facts);
	h->dialect = row->dialect == RECORD_NONE ? 0 : (uint8_t)row->dialect;
	h->created_at = row->created_at;
	h->token_hash = str_dup(row->token_hash);
	h->old_token_hash = str_dup(row->old_token_hash);
	h->token_state = (uint8_t)row->token_state;
	h->liveness = LIVENESS_NEVER;
	h->behind = -1;
}

static char *
loose(const char *s)
{
	return ((char *)(uintptr_t)s);
}

void
host_row_fill(const struct fleet_host *h, struct store_host *row)
{
	const struct compartment_report *l = &h->said[COMPARTMENT_LOCK];
	const struct compartment_report *s = &h->said[COMPARTMENT_SYSTEM];
	const struct compartment_report *t = &h->said[COMPARTMENT_TESTS];

	for (size_t i = 0; i < NWORDS; i++)
		*(char **)(void *)((char *)row + words[i].row) =
		    loose(*(const char *const *)(const void *)
		    ((const char *)h + words[i].host));
	row->lock_status = loose(names_check(l->status));
	row->lock_message = loose(l->message);
	row->lock_checked = l->checked_at;
	row->system_status = loose(names_check(s->status));
	row->system_message = loose(s->message);
	row->system_checked = s->checked_at;
	row->tests_status = loose(names_check(t->status));
	row->tests_message = loose(t->message);
	row->tests_checked = t->checked_at;
	row->facts = h->facts;
	row->dialect = h->dialect;
	row->created_at = h->created_at;
	row->token_hash = h->token_hash;
	row->old_token_hash = h->old_token_hash;
	row->token_state = h->token_state;
}

void
host_row_done(struct intern *in, struct fleet_host *h)
{
	for (size_t i = 0; i < NWORDS; i++)
		intern_put(in, *host_word(h, i));
	for (int i = 0; i < COMPARTMENT_COUNT; i++)
		intern_put(in, h->said[i].message);
	free(h->facts);
	free(h->token_hash);
	free(h->old_token_hash);
}
