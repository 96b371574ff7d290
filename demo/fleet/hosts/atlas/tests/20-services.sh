#!/bin/sh
# Every service of the configuration is there.
for service in firewall proxy; do
	[ -e "@root@/hosts/atlas/live/services/$service.conf" ] || {
		echo "$service is missing"
		exit 1
	}
done
