#ifndef API_H
#define API_H

struct fleet_host;
struct http_req;

/*
 * The handlers of routes.c, described there and in
 * docs/reference/http-api.md.  Each takes the request over.
 */

/* page.c */
void	 page_dashboard(struct http_req *);
void	 page_login(struct http_req *);
void	 page_asset(struct http_req *);
void	 page_upgrade(struct http_req *);

/* api_session.c */
void	 api_session_form(struct http_req *);
void	 api_session_logout(struct http_req *);
void	 api_session_login(struct http_req *);
void	 api_session_show(struct http_req *);

/* api_meta.c */
void	 api_meta_health(struct http_req *);
void	 api_meta_openapi(struct http_req *);
void	 api_meta_repository(struct http_req *);
void	 api_meta_commits(struct http_req *);
void	 api_meta_events(struct http_req *);
void	 api_meta_system_log(struct http_req *);
void	 api_meta_host_events(struct http_req *);

/* api_metrics.c */
void	 api_metrics_show(struct http_req *);

/* api_hosts.c */
void	 api_hosts_list(struct http_req *);
void	 api_hosts_add(struct http_req *);
void	 api_hosts_show(struct http_req *);
void	 api_hosts_remove(struct http_req *);
void	 api_hosts_refresh(struct http_req *);
void	 api_hosts_refresh_git(struct http_req *);
void	 api_hosts_token(struct http_req *);
void	 api_hosts_revoke(struct http_req *);
void	 api_hosts_accept(struct http_req *);
/* The host of the path's first parameter; NULL: answered already. */
struct fleet_host *api_hosts_find(struct http_req *);

/* api_ask.c */
void	 api_ask_ops(struct http_req *);
void	 api_ask_dispatch(struct http_req *);
void	 api_ask_command(struct http_req *);
void	 api_ask_reboot(struct http_req *);
void	 api_ask_kill(struct http_req *);

/* api_operations.c */
void	 api_operations_list(struct http_req *);
void	 api_operations_show(struct http_req *);
void	 api_operations_stop(struct http_req *);
void	 api_operations_states(struct http_req *);

/* api_output.c */
void	 api_output_lines(struct http_req *);
void	 api_output_log(struct http_req *);
void	 api_output_host(struct http_req *);

#endif
