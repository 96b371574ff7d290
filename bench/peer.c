#include <stdlib.h>
#include <string.h>

#include "frame.h"
#include "peer.h"
#include "str.h"

#define READ_BUF 65536

struct late_write {
	uv_write_t req;
	struct buf bytes;
};

static void
set_state(struct peer *p, enum peer_state state)
{
	p->state = state;
	p->shared->on_state(p);
}

static void
on_closed(uv_handle_t *h)
{
	set_state(h->data, PEER_CLOSED);
}

static void
end(struct peer *p, const char *why)
{
	if (uv_is_closing((uv_handle_t *)&p->tcp))
		return;
	if (why != NULL && p->why == NULL)
		p->why = str_dup(why);
	uv_close((uv_handle_t *)&p->tcp, on_closed);
}

void
peer_stop(struct peer *p)
{
	if (p->state != PEER_IDLE)
		end(p, NULL);
}

static void
on_written(uv_write_t *req, int status)
{
	struct late_write *w = req->data;

	(void)status;
	buf_free(&w->bytes);
	free(w);
}

/* Takes ${bytes}. */
static void
send_bytes(struct peer *p, struct buf *bytes)
{
	uv_buf_t b = uv_buf_init(bytes->data, (unsigned)bytes->len);
	struct late_write *w;
	int n = uv_try_write((uv_stream_t *)&p->tcp, &b, 1);

	if (n == (int)bytes->len) {
		buf_free(bytes);
		return;
	}
	if (n > 0)
		buf_drop(bytes, (size_t)n);
	w = str_alloc(sizeof(*w));
	w->bytes = *bytes;
	w->req.data = w;
	b = uv_buf_init(w->bytes.data, (unsigned)w->bytes.len);
	if (uv_write(&w->req, (uv_stream_t *)&p->tcp, &b, 1, on_written) != 0)
		on_written(&w->req, -1);
}

static void
send_frame(struct peer *p, int opcode, const void *data, size_t n)
{
	struct buf bytes = { 0 };

	frame_add(&bytes, opcode, data, n);
	send_bytes(p, &bytes);
}

static void
add_msg(struct peer *p, const struct wire_msg *msg, struct buf *bytes)
{
	char *text = wire_encode(msg, p->shared->dialect);

	frame_add(bytes, FRAME_TEXT, text, strlen(text));
	free(text);
}

static void
send_msg(struct peer *p, const struct wire_msg *msg)
{
	struct buf bytes = { 0 };

	add_msg(p, msg, &bytes);
	send_bytes(p, &bytes);
}

static void
send_register(struct peer *p)
{
	char *host = str_printf("%s%u", p->shared->prefix, p->index);
	char word[][24] = { "nixos", "4.0.0", "25.05", "0123456789abcdef",
		"bench", "desktop" };
	struct wire_msg msg = { .type = WIRE_REGISTER, .u.reg = {
		.hostname = host, .host_type = word[0],
		.agent_version = word[1], .os_version = word[2],
		.nixpkgs_version = word[2], .generation = word[3],
		.heartbeat_interval = 5, .location = word[4],
		.device_type = word[5], .dialect = p->shared->dialect,
		.agent_id = host,
	} };

	send_msg(p, &msg);
	free(host);
}

void
peer_beat(struct peer *p)
{
	char generation[] = "0123456789abcdef", lock[] = "5891b5b522d5df08";
	struct wire_metrics m = { .cpu = 1.5, .ram = 40.25, .load = 0.5 };
	struct wire_msg msg = { .type = WIRE_HEARTBEAT, .u.heartbeat = {
		.generation = generation, .lock_hash = lock,
		.command_pid = RECORD_NONE } };

	if (p->state != PEER_REGISTERED)
		return;
	m.cpu += (double)(p->shared->heartbeats % 100) / 2;
	if (p->shared->dialect == 4)
		msg.u.heartbeat.generation = msg.u.heartbeat.lock_hash = NULL;
	msg.u.heartbeat.metrics = wire_metrics_json(&m);
	send_msg(p, &msg);
	json_decref(msg.u.heartbeat.metrics);
	p->shared->heartbeats++;
}

/*
 * One line of output and the end of the operation, as both dialects do it; in
 * one write, since a system call of each agent's takes its time from the hub.
 */
void
peer_answer(struct peer *p)
{
	char line[] = "done by the bench", ok[] = "ok", out[] = "stdout";
	bool four = p->shared->dialect == 4 && p->op_id[0] != '\0';
	struct wire_msg msg = { .type = WIRE_COMMAND_ACCEPTED };
	struct buf bytes = { 0 };

	if (p->state != PEER_REGISTERED || !p->owes)
		return;
	p->owes = false;
	if (four) {
		msg.u.accepted.op_id = p->op_id;
		add_msg(p, &msg, &bytes);
		msg = (struct wire_msg){ .type = WIRE_OUTPUT, .u.output = {
		    .op_id = p->op_id, .seq = 1, .ts = 1,
		    .lines = json_array() } };
		wire_lines_add(msg.u.output.lines, 1, &(struct wire_line){
		    line, strlen(line), STREAM_STDOUT, 1 });
		add_msg(p, &msg, &bytes);
		json_decref(msg.u.output.lines);
	} else {
		msg = (struct wire_msg){ .type = WIRE_OUTPUT, .u.output = {
		    .line = line, .stream = out, .command = p->command } };
		add_msg(p, &msg, &bytes);
	}
	msg = (struct wire_msg){ .type = WIRE_STATUS, .u.status = {
	    .status = ok, .command = p->command,
	    .op_id = four ? p->op_id : NULL, .outcome = ok, .last_seq = 1 } };
	add_msg(p, &msg, &bytes);
	send_bytes(p, &bytes);
	p->shared->statuses++;
}

static void
take_command(struct peer *p, const struct wire_command *cmd)
{
	peer_answer(p);
	p->owes = true;
	snprintf(p->command, sizeof(p->command), "%s", cmd->command);
	snprintf(p->op_id, sizeof(p->op_id), "%s", cmd->op_id != NULL ?
	    cmd->op_id : "");
	p->shared->on_command(p);
}

static void
on_message(struct peer *p, const char *text, size_t n)
{
	struct wire_msg msg;
	struct err e;

	p->shared->messages++;
	if (wire_decode(text, n, WIRE_FROM_HUB, &msg, &e) == -1)
		return;
	switch (msg.type) {
	case WIRE_REGISTERED:
		if (p->state == PEER_OPEN)
			set_state(p, PEER_REGISTERED);
		peer_beat(p);
		break;
	case WIRE_COMMAND:
		take_command(p, &msg.u.command);
		break;
	case WIRE_REFUSED:
		end(p, msg.u.refused.reason);
		break;
	default:
		break;
	}
	wire_free(&msg);
}

static void
on_frame(struct peer *p, const struct frame *f)
{
	switch (f->opcode) {
	case FRAME_PING:
		send_frame(p, FRAME_PONG, f->data, f->len);
		break;
	case FRAME_CLOSE:
		end(p, "the hub closed the connection");
		break;
	case FRAME_TEXT:
	case FRAME_MORE:
		buf_add(&p->message, f->data, f->len);
		if (!f->final)
			break;
		on_message(p, p->message.data, p->message.len);
		buf_clear(&p->message);
		break;
	default:
		break;
	}
}

/* The hub's answer to the upgrade; what follows it are frames. */
static void
read_upgrade(struct peer *p)
{
	char *stop = p->in.data != NULL ? strstr(p->in.data, "\r\n\r\n") : NULL;

	if (stop == NULL)
		return;
	if (strncmp(p->in.data, "HTTP/1.1 101", 12) != 0) {
		p->in.data[strcspn(p->in.data, "\r")] = '\0';
		end(p, p->in.data);
		return;
	}
	buf_drop(&p->in, (size_t)(stop + 4 - p->in.data));
	set_state(p, PEER_OPEN);
	send_register(p);
}

static void
read_frames(struct peer *p)
{
	struct frame f;
	size_t used = 0;
	long n;

	while ((n = frame_parse(p->in.data + used, p->in.len - used, &f)) > 0) {
		used += (size_t)n;
		on_frame(p, &f);
	}
	if (n < 0)
		end(p, "the hub sent what is no frame");
	if (used < p->in.len)
		buf_drop(&p->in, used);
	else
		buf_free(&p->in);
}

static void
on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *b)
{
	static char shared[READ_BUF];

	(void)h;
	(void)hint;
	*b = uv_buf_init(shared, sizeof(shared));
}

static void
on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
	struct peer *p = s->data;

	if (n < 0) {
		end(p, uv_strerror((int)n));
		return;
	}
	buf_add(&p->in, b->base, (size_t)n);
	if (p->state == PEER_UPGRADING)
		read_upgrade(p);
	if (p->state >= PEER_OPEN && p->in.len > 0)
		read_frames(p);
}

static void
on_connected(uv_connect_t *req, int status)
{
	struct peer *p = req->data;
	struct buf hello = { 0 };

	if (status != 0) {
		end(p, uv_strerror(status));
		return;
	}
	set_state(p, PEER_UPGRADING);
	buf_addf(&hello, "GET /ws HTTP/1.1\r\nHost: %s\r\n"
	    "Authorization: Bearer %s\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	    p->shared->host_header, p->shared->token);
	uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
	send_bytes(p, &hello);
}

void
peer_start(struct peer *p)
{
	const struct sockaddr *addr =
	    (const struct sockaddr *)&p->shared->addr;

	uv_tcp_init(p->shared->loop, &p->tcp);
	p->tcp.data = p->connect.data = p;
	set_state(p, PEER_CONNECTING);
	if (uv_tcp_connect(&p->connect, &p->tcp, addr, on_connected) != 0)
		end(p, "cannot connect");
}

void
peer_free(struct peer *p)
{
	buf_free(&p->in);
	buf_free(&p->message);
	free(p->why);
	p->why = NULL;
}
