#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shell.h"

const char *const shell_env[] = { "PATH=/usr/bin:/bin", "LC_ALL=C", NULL };

static void
on_line(void *cookie, enum proc_stream s, const char *p, size_t n)
{
	struct shell_lines *seen = cookie;

	seen->lines++;
	seen->bytes += n;
	if (n > seen->longest)
		seen->longest = n;
	if (seen->text.len > 1000)
		return;
	buf_adds(&seen->text, s == PROC_OUT ? "o:" : "e:");
	buf_add(&seen->text, p, n);
	buf_adds(&seen->text, "|");
}

void
shell_init(struct shell *s, const char *script)
{
	*s = (struct shell){ .argv = { "sh", "-c", script, NULL } };
	s->spec = (struct proc_spec){ .argv = s->argv, .env = shell_env,
		.deadline = 60000, .stop_fd = -1, .keep_out = 4096,
		.keep_err = 4096, .on_line = on_line, .cookie = &s->seen };
}

void
shell_run(struct shell *s)
{
	if (proc_run(&s->spec, &s->res, &s->e) == -1)
		fail_msg("%s", s->e.text);
}

void
shell_free(struct shell *s)
{
	proc_result_free(&s->res);
	buf_free(&s->seen.text);
}

const char *
shell_seen(struct shell *s)
{
	buf_adds(&s->seen.text, "");
	return (s->seen.text.data);
}
