#include <stdlib.h>
#include <string.h>

#include "host_facts.h"
#include "intern.h"
#include "str.h"
#include "tick.h"
#include "wire.h"

static bool
given(const char *s)
{
	return (s != NULL && *s != '\0');
}

unsigned
host_facts_register(struct intern *in, struct fleet_host *h,
    const struct wire_register *r)
{
	bool mac = given(r->host_type) && strcmp(r->host_type, "macos") == 0;
	int n = 0, git;

	n += intern_set(in, &h->host_type, r->host_type);
	n += intern_set(in, &h->kind, given(r->kind) ? r->kind :
	    mac ? "home" : "nixos");
	n += intern_set(in, &h->agent_version, r->agent_version);
	n += intern_set(in, &h->os_version, r->os_version);
	n += intern_set(in, &h->nixpkgs_version, r->nixpkgs_version);
	n += intern_set(in, &h->theme_color, given(r->theme_color) ?
	    r->theme_color : mac ? "#bb9af7" : "#7aa2f7");
	n += intern_set(in, &h->location, given(r->location) ? r->location :
	    "home");
	n += intern_set(in, &h->device_type, given(r->device_type) ?
	    r->device_type : "desktop");
	n += intern_set(in, &h->repo_url, r->repo_url);
	n += intern_set(in, &h->repo_dir, r->repo_dir);
	if (given(r->agent_id))
		n += intern_set(in, &h->agent_id, r->agent_id);
	git = intern_set(in, &h->generation, r->generation);
	return ((n > 0 ? FLEET_INFO : 0) |
	    (git || n > 0 ? FLEET_COMPARTMENTS : 0));
}

static unsigned
take_metrics(struct fleet_host *h, const json_t *v)
{
	struct wire_metrics m;
	bool has = wire_metrics_get(v, &m);
	float now[4] = { (float)m.cpu, (float)m.ram, (float)m.swap,
		(float)m.load };

	if (has == h->has_metrics && memcmp(now, h->metrics, sizeof(now)) == 0)
		return (0);
	h->has_metrics = has;
	memcpy(h->metrics, now, sizeof(now));
	return (FLEET_METRICS);
}

/* ${whole}: what is empty is not known any more, else it is no news. */
static int
take_check(struct intern *in, struct compartment_report *said,
    const json_t *update_status, enum compartment which, bool whole)
{
	struct wire_check c;
	int64_t at = 0;
	int status, n;

	wire_check_get(update_status, which, &c);
	if (!whole && *c.status == '\0')
		return (0);
	if ((status = names_check_parse(c.status)) == -1)
		status = CHECK_UNKNOWN;
	(void)tick_parse(c.checked_at, &at);
	n = said->status != status || said->checked_at != at;
	said->status = (uint8_t)status;
	said->checked_at = at;
	return (n + intern_set(in, &said->message, c.message));
}

static unsigned
take_checks(struct intern *in, struct fleet_host *h, const json_t *us,
    bool whole)
{
	int n = 0, tests;

	if (us == NULL || !json_is_object(us))
		return (0);
	n += take_check(in, &h->said[COMPARTMENT_LOCK], us, COMPARTMENT_LOCK,
	    whole);
	n += take_check(in, &h->said[COMPARTMENT_SYSTEM], us,
	    COMPARTMENT_SYSTEM, whole);
	tests = take_check(in, &h->said[COMPARTMENT_TESTS], us,
	    COMPARTMENT_TESTS, whole);
	if (tests > 0)
		intern_set(in, &h->tests_generation, h->generation);
	return (n + tests > 0 ? FLEET_COMPARTMENTS : 0);
}

/* Too long is not kept: ten thousand hosts would fill the memory. */
static unsigned
take_facts(struct fleet_host *h, const json_t *facts)
{
	char *text = json_dumps(facts, JSON_COMPACT);

	if (text != NULL && strlen(text) > HOST_FACTS_MAX) {
		free(text);
		text = NULL;
	}
	if (str_eq(text, h->facts)) {
		free(text);
		return (0);
	}
	free(h->facts);
	h->facts = text;
	return (FLEET_FACTS);
}

unsigned
host_facts_heartbeat(struct intern *in, struct fleet_host *h,
    const struct wire_heartbeat *hb)
{
	/* A dialect 3 heartbeat says everything each time. */
	bool whole = h->dialect < WIRE_DIALECT || hb->facts != NULL;
	unsigned what = take_metrics(h, hb->metrics);
	int n = 0;

	if (!whole)
		return (what);
	n += intern_set(in, &h->generation, hb->generation);
	n += intern_set(in, &h->lock_hash, hb->lock_hash);
	if (n > 0)
		what |= FLEET_COMPARTMENTS;
	if (intern_set(in, &h->nixpkgs_version, hb->nixpkgs_version))
		what |= FLEET_INFO;
	what |= take_checks(in, h, hb->update_status, hb->facts != NULL);
	if (hb->facts != NULL)
		what |= take_facts(h, hb->facts);
	return (what);
}

static void
conclude(struct intern *in, struct compartment_report *said, enum check status,
    const char *message)
{
	said->status = (uint8_t)status;
	said->checked_at = tick_wall();
	intern_set(in, &said->message, message);
}

unsigned
host_facts_result(struct intern *in, struct fleet_host *h,
    const struct wire_op *def, bool ok)
{
	struct compartment_report *tests = &h->said[COMPARTMENT_TESTS];

	if (strcmp(def->name, "test") == 0) {
		conclude(in, tests, ok ? CHECK_OK : CHECK_ERROR, ok ?
		    "All tests passed." : "A test failed.");
		intern_set(in, &h->tests_generation, h->generation);
		return (FLEET_COMPARTMENTS);
	}
	if ((def->flags & WIRE_OP_SYSTEM) == 0)
		return (0);
	conclude(in, &h->said[COMPARTMENT_SYSTEM], ok ? CHECK_OK : CHECK_ERROR,
	    ok ? "The configuration was activated." :
	    "The last activation failed.");
	if (ok && tests->status != CHECK_UNKNOWN)
		conclude(in, tests, CHECK_OUTDATED,
		    "The tests have not run since the last switch.");
	return (FLEET_COMPARTMENTS);
}
