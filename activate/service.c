#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actrequest.h"
#include "actstep.h"
#include "childenv.h"
#include "file.h"
#include "flock.h"
#include "guard.h"
#include "log.h"
#include "osinfo.h"
#include "platform.h"
#include "record.h"
#include "service.h"
#include "str.h"
#include "tick.h"
#include "ulid.h"

#define SYSTEMD_FD 3		/* sd_listen_fds(3) */
#define BACKLOG 8
#define LOOK_EVERY 1000		/* at what is open */
#define REQUEST_WAIT 3000	/* for a whole line */
#define FORGOTTEN 10000		/* prepared and never activated */
#define RECORDS_KEPT 20
#define REBOOT_TIMEOUT 60000

/* One request at work. */
struct ask {
	const struct service *s;
	struct actrequest req;
	char *dir;		/* of req.op; NULL: it has none */
	gid_t gid;		/* of the peer, who reads log and record */
	bool reboot;		/* after the answer */
};

static char *
log_path(const char *dir)
{
	return (file_join(dir, "log"));
}

/* ---- processes that do the work ---- */

static int
start(const struct service *s, const char *dir, const char *begin,
    struct err *e)
{
	const char *const argv[] = { s->program, "resume", "--dir", dir, begin,
		NULL };
	char *log = log_path(dir);
	struct proc_env env = { 0 };
	int fd, r = -1;

	if ((fd = open(log, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW))
	    == -1) {
		err_sys(e, "open %s", log);
		goto out;
	}
	childenv_make(&env, s->dir);
	if (proc_detach(argv, proc_env_get(&env), "/", fd, e) != -1)
		r = 0;
	proc_env_free(&env);
	close(fd);
out:
	free(log);
	return (r);
}

static bool
worked_on(const char *dir)
{
	char *lock = file_join(dir, "lock");
	bool held = flock_held(lock) == 1;

	free(lock);
	return (held);
}

/* Prepared and never activated, and nobody is about to. */
static bool
forgotten(const struct actrecord *rec)
{
	char *boot = osinfo_boot_id();
	const bool same = str_eq(boot, rec->boot_id);

	free(boot);
	return (!same || tick_mono() - (rec->deadline - rec->timeout) >
	    FORGOTTEN);
}

/* Is it open?  If nobody works on it, somebody does from now on. */
static bool
carry_on(const struct service *s, const char *dir)
{
	struct actrecord rec;
	struct err e;
	bool open;

	if (actrecord_read(dir, &rec, &e) == -1) {
		if (e.code != ERR_NOTFOUND)
			log_error("a record cannot be read", "error", e.text);
		return (false);
	}
	open = !actrecord_done(&rec);
	if (open && !worked_on(dir) &&
	    (actrecord_phase(&rec) != ACTRECORD_PREPARED ||
	    forgotten(&rec))) {
		log_warn("carrying on what was left open", "op_id", rec.op_id,
		    "phase", rec.phase);
		if (start(s, dir, NULL, &e) == -1)
			log_error("it cannot be carried on", "error", e.text);
	}
	actrecord_free(&rec);
	return (open);
}

static int
only_ulids(const struct dirent *de)
{
	return (ulid_valid(de->d_name));
}

/* Look after every record; is one of them open? */
static bool
look_around(const struct service *s)
{
	struct dirent **names;
	bool open = false;
	char *dir;
	int n;

	if ((n = scandir(s->dir, &names, only_ulids, alphasort)) < 0)
		return (false);
	while (n-- > 0) {
		dir = file_join(s->dir, names[n]->d_name);
		open |= carry_on(s, dir);
		free(dir);
		free(names[n]);
	}
	free(names);
	return (open);
}

/* ---- verbs ---- */

static int
make_dir(const struct ask *a, struct err *e)
{
	char *log = log_path(a->dir);
	int fd, r = -1;

	if (mkdir(a->dir, 0750) == -1) {
		if (errno == EEXIST)
			err_set(e, ERR_REFUSED, "operation %s was prepared "
			    "already", a->req.op);
		else
			err_sys(e, "make %s", a->dir);
		goto out;
	}
	if ((fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644))
	    == -1)
		err_sys(e, "make %s", log);
	else {
		close(fd);
		if ((r = chown(a->dir, (uid_t)-1, a->gid)) == -1)
			err_sys(e, "give %s to group %ld", a->dir,
			    (long)a->gid);
	}
	if (r == -1 && file_rmtree(a->dir, NULL) == -1)
		err_wrap(e, "(%s could not be removed)", a->dir);
out:
	free(log);
	return (r);
}

/* Does the peer mean the hosts that we are for? */
static int
check_ours(const struct ask *a, struct err *e)
{
	const struct activation own = { .kind = a->s->kind,
		.program = a->s->activates };

	if (!str_eq(a->req.kind, deploy_kind_name(own.kind)))
		return (err_set(e, ERR_REFUSED, "systems of kind %s are "
		    "activated here, not %s", deploy_kind_name(own.kind),
		    a->req.kind));
	if (a->req.profile != NULL && !str_eq(a->req.profile, a->s->profile))
		return (err_set(e, ERR_REFUSED, "the profile that is set here "
		    "is %s, not %s", a->s->profile, a->req.profile));
	if (a->req.program != NULL &&
	    !str_eq(a->req.program, activation_program(&own)))
		return (err_set(e, ERR_REFUSED, "the program that is run here "
		    "is %s, not %s", activation_program(&own),
		    a->req.program));
	return (0);
}

static int
prepare(struct ask *a, struct err *e)
{
	const struct activation act = { .dir = a->dir, .op = a->req.op,
		.kind = a->s->kind, .program = a->s->activates,
		.mode = (enum deploy_mode)deploy_mode_parse(a->req.mode),
		.profile = a->s->profile, .path = a->req.path,
		.generation = a->req.generation, .rollback = a->req.rollback,
		.keep = a->req.keep,
		.timeout = a->req.timeout, .confirm = a->req.confirm };
	struct actstep step = { .a = &act };
	int r;

	if (check_ours(a, e) == -1)
		return (-1);
	if (look_around(a->s))
		return (err_set(e, ERR_BUSY, "another activation is not over "
		    "yet"));
	if (activation_check_system(&act, e) == -1)
		return (-1);
	actrecord_prune(a->s->dir, RECORDS_KEPT);
	if (make_dir(a, e) == -1)
		return (-1);
	actstep_make(&step);
	if ((r = actstep_enter(&step, ACTRECORD_PREPARED, e)) == -1 &&
	    file_rmtree(a->dir, NULL) == -1)
		err_wrap(e, "(%s could not be removed)", a->dir);
	actstep_free(&step);
	return (r);
}

/* The record of the request's operation must be in ${phase}. */
static int
check_phase(const struct ask *a, enum actrecord_phase phase, struct err *e)
{
	struct actrecord rec;
	int r = 0;

	if (actrecord_read(a->dir, &rec, e) == -1)
		return (-1);
	if (actrecord_phase(&rec) != phase)
		r = err_set(e, ERR_REFUSED, "the activation is not %s but %s",
		    actrecord_phase_name(phase), rec.phase);
	/* Who is to undo it may be late, too; that does not help. */
	else if (actrequest_verb(&a->req) == ACTVERB_CONFIRM &&
	    tick_mono() >= rec.confirm_by)
		r = err_set(e, ERR_REFUSED, "the time to confirm it is over");
	actrecord_free(&rec);
	return (r);
}

static int
activate(struct ask *a, struct err *e)
{
	if (check_phase(a, ACTRECORD_PREPARED, e) == -1)
		return (-1);
	if (worked_on(a->dir))
		return (err_set(e, ERR_BUSY, "the activation has begun"));
	return (start(a->s, a->dir, "--begin", e));
}

static int
tell(const struct ask *a, const char *name, const char *text, struct err *e)
{
	char *path;
	int r;

	if (check_phase(a, ACTRECORD_CONFIRMING, e) == -1)
		return (-1);
	path = file_join(a->dir, name);
	r = file_write(path, text, strlen(text), 0644, e);
	free(path);
	return (r);
}

static int
confirm(struct ask *a, struct err *e)
{
	return (tell(a, GUARD_CONFIRM, "", e));
}

static int
revert(struct ask *a, struct err *e)
{
	return (tell(a, GUARD_REVERT, a->req.reason != NULL ? a->req.reason :
	    "", e));
}

static int
status(struct ask *a, struct err *e)
{
	struct actrecord rec;

	if (a->dir == NULL)
		return (check_ours(a, e));
	if (actrecord_read(a->dir, &rec, e) == -1)
		return (-1);
	actrecord_free(&rec);
	return (0);
}

static int
reboot(struct ask *a, struct err *e)
{
	if (look_around(a->s))
		return (err_set(e, ERR_BUSY, "an activation is not over yet"));
	a->reboot = true;
	return (0);
}

static int (*const verbs[])(struct ask *, struct err *) = {
	[ACTVERB_PREPARE] = prepare, [ACTVERB_ACTIVATE] = activate,
	[ACTVERB_CONFIRM] = confirm, [ACTVERB_REVERT] = revert,
	[ACTVERB_STATUS] = status, [ACTVERB_REBOOT] = reboot,
};

static void
restart_machine(const struct service *s)
{
	struct proc_env env = { 0 };
	struct proc_result res = { 0 };
	struct proc_spec spec = { .argv = platform_reboot,
		.deadline = REBOOT_TIMEOUT, .stop_fd = -1, .keep_err = 4096 };
	struct err e = { 0 };

	childenv_make(&env, s->dir);
	spec.env = proc_env_get(&env);
	if (proc_run(&spec, &res, &e) == -1 ||
	    proc_check(&spec, &res, &e) == -1)
		log_error("the machine does not restart", "error", e.text);
	proc_result_free(&res);
	proc_env_free(&env);
}

/* ---- peers ---- */

/* A line without its newline; ERR_INPUT if none comes in time. */
static int
read_line(int fd, struct buf *in, struct err *e)
{
	const int64_t end = tick_mono() + REQUEST_WAIT;
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	char chunk[1024], *nl;
	int64_t left;
	ssize_t n;

	while ((left = end - tick_mono()) > 0 && in->len < ACTREQUEST_MAX) {
		if (poll(&pfd, 1, (int)left) <= 0)
			continue;
		if ((n = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT)) == 0)
			break;
		if (n == -1)
			continue;
		buf_add(in, chunk, (size_t)n);
		if ((nl = memchr(in->data, '\n', in->len)) != NULL) {
			in->len = (size_t)(nl - in->data);
			return (0);
		}
	}
	return (err_set(e, ERR_INPUT, "no whole request came"));
}

static void
answer(int fd, int r, const struct err *e)
{
	json_t *obj = json_pack("{s:b}", "ok", r == 0);
	char *text, *line;

	if (r == -1) {
		json_object_set_new(obj, "code",
		    json_string(err_name(e->code)));
		json_object_set_new(obj, "text", json_string(e->text));
	}
	if ((text = json_dumps(obj, JSON_COMPACT)) == NULL)
		abort();
	line = str_printf("%s\n", text);
	/* A peer that is gone has no use for it; SIGPIPE is ignored. */
	if (send(fd, line, strlen(line), MSG_DONTWAIT) == -1)
		log_debug("nobody waits for the answer");
	free(line);
	free(text);
	json_decref(obj);
}

static int
obey(struct ask *a, const struct buf *line, struct err *e)
{
	int r;

	if (actrequest_parse(line->data, line->len, &a->req, e) == -1)
		return (-1);
	if (a->req.op != NULL)
		a->dir = file_join(a->s->dir, a->req.op);
	r = verbs[actrequest_verb(&a->req)](a, e);
	log_write(r == 0 ? LOG_INFO : LOG_WARN, r == 0 ? "done" : "refused",
	    "verb", a->req.verb, "op_id", a->req.op, "path", a->req.path,
	    "error", r == 0 ? NULL : e->text, NULL);
	return (r);
}

static void
serve(const struct service *s, int fd)
{
	struct ask a = { .s = s };
	struct buf line = { 0 };
	struct err e = { 0 };
	uid_t uid;
	int r;

	if (platform_peer(fd, &uid, &a.gid) == -1 ||
	    (uid != 0 && uid != s->user)) {
		log_warn("a stranger asked and got no answer");
		return;
	}
	if ((r = read_line(fd, &line, &e)) == 0)
		r = obey(&a, &line, &e);
	answer(fd, r, &e);
	if (a.reboot)
		restart_machine(s);
	buf_free(&line);
	actrequest_free(&a.req);
	free(a.dir);
}

int
service_run(const struct service *s, struct err *e)
{
	struct pollfd pfd = { .fd = s->listen_fd, .events = POLLIN };
	int64_t quiet = tick_mono();
	int fd;

	if (file_mkdirs(s->dir, 0755, e) == -1)
		return (-1);
	for (;;) {
		if (look_around(s))
			quiet = tick_mono();
		if (tick_mono() - quiet >= s->idle)
			return (0);
		if (poll(&pfd, 1, LOOK_EVERY) <= 0)
			continue;
		quiet = tick_mono();
		if ((fd = accept(s->listen_fd, NULL, NULL)) == -1)
			continue;
		fcntl(fd, F_SETFD, FD_CLOEXEC);
		serve(s, fd);
		close(fd);
	}
}

/* sd_listen_fds(3). */
static int
from_systemd(struct err *e)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	int64_t n;

	if (pid == NULL || fds == NULL ||
	    str_int(pid, 1, INT32_MAX, &n) == -1 || n != getpid() ||
	    !str_eq(fds, "1"))
		return (err_set(e, ERR_INPUT, "no socket was given by the "
		    "service manager (and no --socket)"));
	fcntl(SYSTEMD_FD, F_SETFD, FD_CLOEXEC);
	return (SYSTEMD_FD);
}

int
service_listen(const char *path, struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (path == NULL)
		return (from_systemd(e));
	if (strlen(path) >= sizeof(sun.sun_path))
		return (err_set(e, ERR_INPUT, "%s: too long for a socket",
		    path));
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if ((fd = socket(AF_UNIX, SOCK_STREAM, 0)) == -1)
		return (err_sys(e, "make a socket"));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&sun, sizeof(sun)) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		err_sys(e, "listen at %s", path);
		close(fd);
		return (-1);
	}
	return (fd);
}
