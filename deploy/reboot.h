#ifndef REBOOT_H
#define REBOOT_H

/**
 * reboot_reason(booted, next):
 * Which parts of a NixOS system that take effect only at boot differ between
 * two closures: "kernel, kernel parameters"; NULL if none does.  The caller
 * frees.
 */
char	*reboot_reason(const char *booted, const char *next);

#endif
