#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "http_header.h"
#include "http_origin.h"
#include "http_pairs.h"
#include "http_proxy.h"
#include "listener.h"
#include "str.h"

/* Everything that reads what an HTTP client sent. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = str_ndup((const char *)data, strnlen((const char *)data,
	    size)), *cookie, host[64], addr[HTTP_PROXY_ADDR];
	struct http_pairs pairs = { NULL, 0 };
	struct http_proxies *p = NULL, *some;
	int port;

	if (http_pairs_form(&pairs, (const char *)data, size, NULL) == 0)
		http_pairs_get(&pairs, "password");
	http_pairs_free(&pairs);
	cookie = http_header_cookie(s, "a");
	free(cookie);
	http_header_bearer(s);
	http_header_is_type(s, "application/json");
	http_header_wants_json(s);
	http_header_etag_match(s, "\"a\"");
	http_header_gzip(s);
	http_origin_ok(s, s, false, s);
	http_origin_ok("https://a.example", "h", true, s);
	if (listener_parse(s, host, sizeof(host), &port, NULL) == 0 &&
	    (port < 0 || port > 65535))
		abort();
	if (http_proxy_parse(s, &p, NULL) == 0)
		http_proxy_client(p, "10.0.0.1", s, addr);
	http_proxy_free(&p);
	if (http_proxy_parse("0.0.0.0/0,::/0", &some, NULL) == -1)
		abort();
	http_proxy_client(some, "10.0.0.1", s, addr);
	http_proxy_free(&some);
	free(s);
	return (0);
}
