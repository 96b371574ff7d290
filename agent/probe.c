#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "childenv.h"
#include "http_client.h"
#include "proc.h"
#include "reach.h"
#include "str.h"
#include "tls_trust.h"

#include "probe.h"

#define BLANKS " \t"
#define PROBES_MAX 64
#define WITHIN 5
#define WITHIN_MAX 3600
#define BODY_MAX 65536
#define WORDS_KEPT 4096

/* ---- what was written ---- */

/* The blank-separated words of ${text}; NULL-terminated, each owned. */
static char **
split(const char *text)
{
	char **words = str_alloc((strlen(text) / 2 + 2) * sizeof(*words));
	size_t n = 0, len;

	for (text += strspn(text, BLANKS); *text != '\0';
	     text += strspn(text, BLANKS)) {
		len = strcspn(text, BLANKS);
		words[n++] = str_ndup(text, len);
		text += len;
	}
	return (words);
}

static void
free_words(char **words)
{
	size_t i;

	for (i = 0; words != NULL && words[i] != NULL; i++)
		free(words[i]);
	free(words);
}

static void
free_one(struct probe *p)
{
	free(p->text);
	free_words(p->argv);
	url_free(&p->url);
}

void
probe_free(struct probe_list *l)
{
	while (l->n > 0)
		free_one(&l->list[--l->n]);
	free(l->list);
	l->list = NULL;
}

/* "within=3", "status=204": 1 if it is one of them, 0 if none. */
static int
option(struct probe *p, const char *word, struct err *e)
{
	int64_t v;

	if (str_prefix(word, "within=")) {
		if (str_int(word + 7, 1, WITHIN_MAX, &v) == -1)
			return (err_set(e, ERR_INPUT, "\"%.40s\": within= "
			    "takes 1 to %d seconds", word, WITHIN_MAX));
		p->within = v * 1000;
		return (1);
	}
	if (!str_prefix(word, "status="))
		return (0);
	if (str_int(word + 7, 100, 599, &v) == -1)
		return (err_set(e, ERR_INPUT, "\"%.40s\": status= takes 100 to "
		    "599", word));
	p->status = (int)v;
	return (1);
}

/* "HOST:PORT" */
static int
take_tcp(struct probe *p, const char *place, struct err *e)
{
	char *url = str_printf("http://%s", place), *port = NULL;
	int r;

	if ((r = url_parse(url, &p->url, e)) == 0) {
		port = str_printf(":%d", p->url.port);
		if (!str_suffix(place, port))
			r = err_set(e, ERR_INPUT, "after tcp:// there must be "
			    "HOST:PORT and nothing else");
	}
	free(port);
	free(url);
	return (r);
}

/* The words from the target on. */
static int
take_target(struct probe *p, char *const *words, struct err *e)
{
	const char *target = words[0];

	if (target != NULL && str_prefix(target, "exec:/")) {
		p->kind = PROBE_EXEC;
		return (0);
	}
	if (target == NULL || (!str_prefix(target, "tcp://") &&
	    !str_prefix(target, "http://") && !str_prefix(target, "https://")))
		return (err_set(e, ERR_INPUT, "a probe is tcp://HOST:PORT, "
		    "http://..., https://... or exec:/PROGRAM, after "
		    "within=SECONDS and status=CODE if they are needed"));
	if (words[1] != NULL)
		return (err_set(e, ERR_INPUT, "\"%.80s\" is too much: options "
		    "come before the target", words[1]));
	if (str_prefix(target, "tcp://")) {
		p->kind = PROBE_TCP;
		return (take_tcp(p, target + 6, e));
	}
	p->kind = PROBE_HTTP;
	return (url_parse(target, &p->url, e));
}

/* The program's words are what is left of them all. */
static void
keep_argv(struct probe *p, char **words, size_t options)
{
	size_t i;

	p->argv = words;
	for (i = 0; i < options; i++)
		free(words[i]);
	for (i = 0; words[i + options] != NULL; i++)
		words[i] = words[i + options];
	words[i] = NULL;
	memmove(words[0], words[0] + 5, strlen(words[0] + 5) + 1);
}

static int
parse_one(struct probe *p, const char *text, struct err *e)
{
	char **words = split(text);
	const char *c;
	size_t n = 0;
	int r = 0;

	p->within = WITHIN * 1000;
	for (c = text; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			r = err_set(e, ERR_INPUT, "control characters are not "
			    "allowed");
	while (r >= 0 && words[n] != NULL &&
	    (r = option(p, words[n], e)) == 1)
		n++;
	if (r >= 0)
		r = take_target(p, words + n, e);
	if (r == 0 && p->status != 0 && p->kind != PROBE_HTTP)
		r = err_set(e, ERR_INPUT, "status= is for http only");
	if (r == 0 && p->kind == PROBE_EXEC)
		keep_argv(p, words, n);
	else
		free_words(words);
	if (r == -1)
		err_wrap(e, "probe \"%.200s\"", text);
	return (r);
}

int
probe_parse(const char *text, struct probe_list *out, struct err *e)
{
	struct probe_list l = { 0 };
	size_t len;

	l.list = str_alloc(PROBES_MAX * sizeof(*l.list));
	while (text != NULL && *text != '\0') {
		if (l.n == PROBES_MAX) {
			err_set(e, ERR_INPUT, "there are more than %d probes",
			    PROBES_MAX);
			goto err;
		}
		text += strspn(text, BLANKS);
		len = strcspn(text, ",");
		l.list[l.n].text = str_ndup(text, len);
		str_trim(l.list[l.n].text);
		l.n++;
		if (parse_one(&l.list[l.n - 1], l.list[l.n - 1].text, e) == -1)
			goto err;
		text += len + (text[len] == ',');
	}
	*out = l;
	return (0);
err:
	probe_free(&l);
	return (-1);
}

/* ---- looking ---- */

static int
check_status(const struct probe *p, int status, struct err *e)
{

	if (p->status != 0 && status != p->status)
		return (err_set(e, ERR_PROTO, "the answer has status %d, not "
		    "%d", status, p->status));
	if (p->status == 0 && (status < 200 || status > 399))
		return (err_set(e, ERR_PROTO, "the answer has status %d, not "
		    "200 to 399", status));
	return (0);
}

static int
run_http(const struct probe *p, int64_t limit, const char *ca_file,
    struct err *e)
{
	char *url = url_http(&p->url, "");
	struct http_client_request req = { .method = "GET", .url = url,
		.max_body = BODY_MAX, .deadline = limit };
	struct http_client_response res = { 0 };
	struct err why = { 0 };
	int r = 0;

	if (p->url.tls && ca_file != NULL &&
	    ((r = tls_trust_load(NULL, NULL, &req.trust, &why)) == 0))
		r = tls_trust_also(req.trust, ca_file, &why);
	if (r == 0)
		r = http_client_run(&req, &res, &why);
	/* Its body may be as long as it likes. */
	if (r == -1 && why.code == ERR_PROTO && res.status != 0)
		r = 0;
	r = r == -1 ? err_set(e, why.code, "%s", why.text) :
	    check_status(p, res.status, e);
	http_client_free(&res);
	tls_trust_free(&req.trust);
	free(url);
	return (r);
}

static int
run_exec(const struct probe *p, int64_t limit, const char *home,
    struct err *e)
{
	struct proc_env env = { 0 };
	struct proc_result res = { 0 };
	struct proc_spec spec = { .argv = (const char *const *)p->argv,
		.deadline = limit, .stop_fd = -1, .keep_err = WORDS_KEPT };
	int r;

	childenv_make(&env, home);
	spec.env = proc_env_get(&env);
	if ((r = proc_run(&spec, &res, e)) == 0)
		r = proc_check(&spec, &res, e);
	proc_result_free(&res);
	proc_env_free(&env);
	return (r);
}

int
probe_run(const struct probe *p, int64_t limit,
    const struct probe_place *place, struct err *e)
{
	int r = -1;

	if (limit > p->within)
		limit = p->within;
	switch (p->kind) {
	case PROBE_TCP:
		r = reach_knock(&p->url, limit, e);
		break;
	case PROBE_HTTP:
		r = run_http(p, limit, place->ca_file, e);
		break;
	case PROBE_EXEC:
		r = run_exec(p, limit, place->home, e);
		break;
	}
	return (r == 0 ? 0 : err_wrap(e, "probe %.200s", p->text));
}
