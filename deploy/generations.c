#include <stdio.h>
#include <stdlib.h>

#include "deployed.h"
#include "generations.h"
#include "nixrun.h"
#include "nixstore.h"
#include "profile.h"
#include "running.h"
#include "str.h"
#include "tick.h"

#define PRUNE_TIMEOUT 60000
#define PRUNE_OUTPUT  (1024 * 1024)
#define PRUNE_MAX     500 /* at once; the rest goes the next time */
#define NUMBER_SIZE   24

static json_t *
generation_json(const struct profile_generation *g, const json_t *all,
    const char *running, const char *booted)
{
	const json_t *known = deployed_find(all, g->path);
	char at[TICK_TEXT];

	return (json_pack("{s:I, s:s, s:s?, s:s?, s:s, s:b, s:b, s:b}",
	    "number", (json_int_t)g->number, "date", tick_text_s(g->made, at),
	    "revision", json_string_value(json_object_get(known, "revision")),
	    "subject", json_string_value(json_object_get(known, "subject")),
	    "path", g->path, "current", g->current, "running",
	    str_eq(g->path, running), "booted", str_eq(g->path, booted)));
}

json_t *
deploy_generations(const struct deploy_conf *c)
{
	char *profile = deploy_profile(c), *running = running_path(c);
	char *booted = running_booted(c);
	json_t *all = deployed_load(c->state_dir), *list = json_array();
	struct profile_generation *gens = NULL;
	size_t n = 0, i;

	if (profile_generations(profile, &gens, &n, NULL) == 0)
		for (i = 0; i < n; i++)
			json_array_append_new(list,
			    generation_json(&gens[i], all, running, booted));
	profile_generations_free(&gens, n);
	json_decref(all);
	free(booted);
	free(running);
	free(profile);
	return (list);
}

/* ---- retention ---- */

struct prune {
	const struct generations_keep *keep;
	char *running, *booted;
	const struct profile_generation *gens, *before;
	size_t n;
};

static bool
stays(const struct prune *p, size_t i)
{
	const struct profile_generation *g = &p->gens[i];

	return (p->n - i <= (size_t)p->keep->keep || g->current ||
	    g == p->before || str_eq(g->path, p->running) ||
	    str_eq(g->path, p->booted) || str_eq(g->path, p->keep->path[0]) ||
	    str_eq(g->path, p->keep->path[1]));
}

static int
remove_old(const struct prune *p, struct err *e)
{
	const char *argv[PRUNE_MAX + 5] = { "nix-env", "--profile",
		p->keep->profile, "--delete-generations" };
	char(*numbers)[NUMBER_SIZE] = str_alloc(PRUNE_MAX * NUMBER_SIZE);
	const struct deploy_conf conf = { .state_dir = p->keep->dir,
		.stop_fd = -1 };
	const struct nixrun run = { .conf = &conf,
		.argv = argv,
		.deadline = PRUNE_TIMEOUT,
		.max = PRUNE_OUTPUT };
	struct buf out = { 0 };
	size_t i, old = 0;
	int r = 0;

	for (i = 0; i < p->n && old < PRUNE_MAX; i++) {
		if (stays(p, i))
			continue;
		snprintf(numbers[old], NUMBER_SIZE, "%lld",
		    (long long)p->gens[i].number);
		argv[4 + old] = numbers[old];
		old++;
	}
	if (old > 0)
		r = nixrun(&run, &out, e);
	buf_free(&out);
	free(numbers);
	return (r == -1 ? -1 : (int)old);
}

int
generations_prune(const struct generations_keep *keep, struct err *e)
{
	struct prune p = { .keep = keep };
	struct profile_generation *gens;
	int r;

	if (profile_generations(keep->profile, &gens, &p.n, e) == -1)
		return (-1);
	p.gens = gens;
	p.before = profile_before(gens, p.n);
	p.running = nixstore_resolve("/run/current-system");
	p.booted = nixstore_resolve("/run/booted-system");
	r = remove_old(&p, e);
	free(p.booted);
	free(p.running);
	profile_generations_free(&gens, p.n);
	return (r);
}
