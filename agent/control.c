#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "platform.h"
#include "str.h"

#include "client.h"
#include "control.h"

#define BACKLOG 16
#define CLIENTS_MAX 64

struct control {
	struct control_conf conf;
	uv_pipe_t server;
	struct client *clients;
	unsigned n;
};

/* Who is at the other end: 0, or -1. */
static int
peer_of(uv_pipe_t *pipe, uid_t *uid)
{
	uv_os_fd_t fd;
	gid_t gid;

	if (uv_fileno((uv_handle_t *)pipe, &fd) != 0)
		return (-1);
	return (platform_peer(fd, uid, &gid));
}

static void
on_gone(void *cookie, struct client *gone)
{
	struct control *c = cookie;
	struct client **p;

	for (p = &c->clients; *p != gone; p = client_link(*p))
		;
	*p = *client_link(gone);
	c->n--;
}

static void
on_connection(uv_stream_t *server, int status)
{
	struct control *c = server->data;
	struct client *client;
	struct passwd *pw;
	char number[32];
	uid_t uid;

	if (status != 0)
		return;
	client = client_new(&c->conf, on_gone, c);
	*client_link(client) = c->clients;
	c->clients = client;
	c->n++;
	if (uv_accept(server, (uv_stream_t *)client_pipe(client)) != 0 ||
	    peer_of(client_pipe(client), &uid) == -1 || c->n > CLIENTS_MAX) {
		client_drop(client);
		return;
	}
	snprintf(number, sizeof(number), "uid %u", (unsigned)uid);
	pw = getpwuid(uid);
	client_start(client, pw != NULL ? pw->pw_name : number,
	    uid == 0 || uid == geteuid());
}

/* A socket file that nobody listens at is left over from a dead agent. */
static void
remove_stale(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct stat st;
	int fd;

	if (lstat(path, &st) == -1 || !S_ISSOCK(st.st_mode))
		return;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		(void)unlink(path);
	close(fd);
}

static void
on_server_closed(uv_handle_t *h)
{

	free(h->data);
}

int
control_new(const struct control_conf *conf, struct control **out,
    struct err *e)
{
	struct sockaddr_un sun;
	struct control *c;
	mode_t old;
	int rc;

	if (strlen(conf->path) >= sizeof(sun.sun_path))
		return (err_set(e, ERR_INPUT, "control socket %s: the path is "
		    "longer than %zu bytes; set NIXFLEET_CONTROL_SOCKET",
		    conf->path, sizeof(sun.sun_path) - 1));
	c = str_alloc(sizeof(*c));
	c->conf = *conf;
	c->server.data = c;
	remove_stale(conf->path);
	(void)uv_pipe_init(conf->loop, &c->server, 0);
	old = umask(0117);	/* 0660 from the first moment */
	rc = uv_pipe_bind(&c->server, conf->path);
	(void)umask(old);
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&c->server, BACKLOG,
		    on_connection);
	if (rc != 0) {
		uv_close((uv_handle_t *)&c->server, on_server_closed);
		return (err_set(e, ERR_SYS, "control socket %s: %s",
		    conf->path, uv_strerror(rc)));
	}
	*out = c;
	return (0);
}

void
control_pump(struct control *c)
{
	struct client *client, *next;

	for (client = c->clients; client != NULL; client = next) {
		next = *client_link(client);
		client_pump(client);
	}
}

bool
control_followed(const struct control *c)
{

	return (c->clients != NULL);
}

void
control_free(struct control **cp)
{
	struct control *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	while (c->clients != NULL)
		client_drop(c->clients);
	(void)unlink(c->conf.path);
	uv_close((uv_handle_t *)&c->server, on_server_closed);
}
