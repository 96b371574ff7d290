#ifndef HTTPSERVER_H
#define HTTPSERVER_H

/*
 * A real server in another process, server.py beside this file: ports "plain",
 * "other", "tls" (a certificate for localhost and 127.0.0.1, signed by
 * ca.pem), "wrongname" (one for another host), "expired".  For the setup and
 * the teardown of a group of tests.
 */
int	 httpserver_start(void **);
int	 httpserver_stop(void **);

/* What the server said of itself: a port, and a string. */
int	 httpserver_port(const char *which);
const char *httpserver_said(const char *name);

/* The path of a file in the server's directory; valid until the next call. */
const char *httpserver_file(const char *name);

/* "https://localhost:PORT/path"; valid until the next call. */
const char *httpserver_url(const char *scheme, const char *host,
	    const char *which, const char *path);

#endif
