#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "httpserver.h"

static struct {
	char dir[64];
	pid_t pid;
	int in;
	json_t *said;
} server;

int
httpserver_start(void **unused)
{
	int in[2], out[2];
	char *line = NULL;
	size_t size = 0;
	FILE *f;

	(void)unused;
	strcpy(server.dir, "/tmp/nixfleet-http-XXXXXX");
	assert_non_null(mkdtemp(server.dir));
	assert_int_equal(0, pipe2(in, O_CLOEXEC));
	assert_int_equal(0, pipe2(out, O_CLOEXEC));
	if ((server.pid = fork()) == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execlp("python3", "python3", SERVER, server.dir, (char *)0);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	server.in = in[1];
	f = fdopen(out[0], "r");	/* it may come in parts */
	if (getline(&line, &size, f) > 0)
		server.said = json_loads(line, 0, NULL);
	free(line);
	fclose(f);
	return (server.said == NULL ? -1 : 0);
}

int
httpserver_stop(void **unused)
{

	(void)unused;
	close(server.in);
	waitpid(server.pid, NULL, 0);
	json_decref(server.said);
	return (file_rmtree(server.dir, NULL));
}

int
httpserver_port(const char *which)
{

	return ((int)json_integer_value(json_object_get(server.said, which)));
}

const char *
httpserver_said(const char *name)
{

	return (json_string_value(json_object_get(server.said, name)));
}

const char *
httpserver_file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", server.dir, name);
	return (path);
}

const char *
httpserver_url(const char *scheme, const char *host, const char *which,
    const char *path)
{
	static char url[128];

	snprintf(url, sizeof(url), "%s://%s:%d%s", scheme, host,
	    httpserver_port(which), path);
	return (url);
}
