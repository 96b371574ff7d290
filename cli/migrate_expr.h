#ifndef MIGRATE_EXPR_H
#define MIGRATE_EXPR_H

/* The text of migrate.nix, a function. */
extern const char migrate_expr[];

#endif
