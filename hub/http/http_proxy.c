#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_proxy.h"
#include "str.h"

/* IPv4 addresses are kept in their IPv6 form, ::ffff:a.b.c.d. */
struct net {
	unsigned char addr[16];
	int bits;
};

struct http_proxies {
	size_t n;
	struct net nets[];
};

static int
parse_addr(const char *s, unsigned char out[16])
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (inet_pton(AF_INET, s, out + 12) == 1) {
		memcpy(out, mapped, sizeof(mapped));
		return (0);
	}
	return (inet_pton(AF_INET6, s, out) == 1 ? 0 : -1);
}

static int
parse_net(char *s, struct net *net)
{
	char *slash = strchr(s, '/');
	bool v4 = strchr(s, ':') == NULL;
	int64_t bits = v4 ? 32 : 128;

	if (slash != NULL) {
		*slash = '\0';
		if (str_int(slash + 1, 0, bits, &bits) == -1)
			return (-1);
	}
	if (parse_addr(s, net->addr) == -1)
		return (-1);
	net->bits = (int)bits + (v4 ? 96 : 0);
	return (0);
}

int
http_proxy_parse(const char *text, struct http_proxies **out, struct err *e)
{
	struct http_proxies *p;
	char *copy, *save, *item, *word;
	size_t max = 1;
	const char *s;

	for (s = text == NULL ? "" : text; *s != '\0'; s++)
		max += *s == ',';
	p = str_alloc(sizeof(*p) + max * sizeof(p->nets[0]));
	copy = str_dup(text == NULL ? "" : text);
	for (item = strtok_r(copy, ",", &save); item != NULL;
	    item = strtok_r(NULL, ",", &save)) {
		if (*(item = str_trim(item)) == '\0')
			continue;
		word = str_dup(item);
		if (parse_net(item, &p->nets[p->n++]) == -1) {
			err_set(e, ERR_INPUT, "\"%s\" is neither an address "
			    "nor a network such as 10.0.0.0/8", word);
			free(word);
			free(copy);
			free(p);
			return (-1);
		}
		free(word);
	}
	free(copy);
	*out = p;
	return (0);
}

void
http_proxy_free(struct http_proxies **p)
{
	free(*p);
	*p = NULL;
}

static bool
in_net(const struct net *net, const unsigned char a[16])
{
	int bytes = net->bits / 8, rest = net->bits % 8;
	unsigned mask = 0xffu & ~(0xffu >> rest);

	if (memcmp(net->addr, a, (size_t)bytes) != 0)
		return (false);
	return (rest == 0 || (net->addr[bytes] & mask) == (a[bytes] & mask));
}

static bool
trusted(const struct http_proxies *p, const unsigned char a[16])
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (in_net(&p->nets[i], a))
			return (true);
	return (false);
}

bool
http_proxy_trusted(const struct http_proxies *p, const char *addr)
{
	unsigned char a[16];

	return (parse_addr(addr, a) == 0 && trusted(p, a));
}

/* The address without what some proxies add: a port, brackets. */
static int
parse_forwarded(const char *s, size_t n, char out[HTTP_PROXY_ADDR])
{
	unsigned char a[16];
	char text[HTTP_PROXY_ADDR], *p = text, *colon;

	if (n >= sizeof(text))
		return (-1);
	memcpy(text, s, n);
	text[n] = '\0';
	p = str_trim(text);
	if (*p == '[') {
		p[strcspn(p, "]")] = '\0';
		p++;
	} else if ((colon = strchr(p, ':')) != NULL &&
	    strchr(colon + 1, ':') == NULL)
		*colon = '\0';
	if (parse_addr(p, a) == -1)
		return (-1);
	memmove(out, p, strlen(p) + 1);
	return (0);
}

void
http_proxy_client(const struct http_proxies *p, const char *peer,
    const char *fwd, char out[HTTP_PROXY_ADDR])
{
	const char *end, *start;
	char addr[HTTP_PROXY_ADDR];

	memset(out, 0, HTTP_PROXY_ADDR);
	strncpy(out, str_prefix(peer, "::ffff:") ? peer + 7 : peer,
	    HTTP_PROXY_ADDR - 1);
	if (fwd == NULL)
		return;
	for (end = fwd + strlen(fwd); http_proxy_trusted(p, out);
	    end = start - 1) {
		for (start = end; start > fwd && start[-1] != ','; start--)
			;
		if (parse_forwarded(start, (size_t)(end - start), addr) == -1)
			return;
		memcpy(out, addr, sizeof(addr));
		if (start == fwd)
			return;
	}
}

bool
http_proxy_secure(const struct http_proxies *p, const char *peer,
    const char *proto)
{
	return (proto != NULL && strcasecmp(proto, "https") == 0 &&
	    http_proxy_trusted(p, peer));
}
