#ifndef PRESENT_H
#define PRESENT_H

#include <jansson.h>
#include <stddef.h>

struct fleet_host;
struct hub;
struct mirror_commit;
struct operation;
struct store_event;
struct store_line;

/*
 * The objects of docs/reference/http-api.md, one function each.  Every one
 * is a new reference, never NULL.  Loop thread only.
 */
json_t	*present_host(struct hub *, const struct fleet_host *);
/* {"id", …} with the fields of those FLEET_* bits only. */
json_t	*present_patch(struct hub *, const struct fleet_host *, unsigned);
/* update_status of POST /api/hosts/{id}/refresh (dialect 3's shape). */
json_t	*present_update_status(struct hub *, const struct fleet_host *);
json_t	*present_operation(const struct operation *);
json_t	*present_event(const struct store_event *);
json_t	*present_line(const struct store_line *);
json_t	*present_repository(struct hub *);
json_t	*present_commit(const struct mirror_commit *);
/* GET /api/ops: an array. */
json_t	*present_ops(void);
/* The payload of `init`. */
json_t	*present_init(struct hub *);

#endif
