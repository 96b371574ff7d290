#include <stdlib.h>
#include <string.h>

#include "childenv.h"
#include "proc.h"
#include "str.h"
#include "units.h"

#define TIMEOUT 20000
#define OUTPUT 65536

int
units_failed(struct buf *out, struct err *e)
{
	static const char *const argv[] = { "systemctl", "list-units",
		"--state=failed", "--plain", "--no-legend", "--full",
		"--no-pager", NULL };
	struct proc_env env = { 0 };
	struct proc_result res = { 0 };
	struct proc_spec spec = { .argv = argv, .deadline = TIMEOUT,
		.stop_fd = -1, .keep_out = OUTPUT, .keep_err = 4096 };
	char *line, *rest;
	int r = -1;

	childenv_make(&env, NULL);
	spec.env = proc_env_get(&env);
	if (proc_run(&spec, &res, e) == 0 && proc_check(&spec, &res, e) == 0) {
		rest = res.out.data;
		while ((line = strsep(&rest, "\n")) != NULL)
			if (line[0] != '\0')
				buf_addf(out, "%.*s\n",
				    (int)strcspn(line, " "), line);
		r = 0;
	}
	proc_result_free(&res);
	proc_env_free(&env);
	return (r);
}

/* Is the line of ${n} bytes one of ${lines}? */
static bool
among(const char *lines, const char *line, size_t n)
{
	size_t len;

	for (; *lines != '\0'; lines += len + (lines[len] == '\n')) {
		len = strcspn(lines, "\n");
		if (len == n && memcmp(lines, line, n) == 0)
			return (true);
	}
	return (false);
}

char *
units_new(const char *before, const char *after)
{
	struct buf b = { 0 };
	size_t n;

	for (; *after != '\0'; after += n + (after[n] == '\n')) {
		n = strcspn(after, "\n");
		if (n > 0 && !among(before, after, n))
			buf_addf(&b, "%s%.*s", b.len > 0 ? ", " : "", (int)n,
			    after);
	}
	return (b.len > 0 ? buf_take(&b) : str_dup(""));
}
