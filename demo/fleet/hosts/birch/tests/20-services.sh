#!/bin/sh
# Every service of the configuration is there.
for service in scheduler cache; do
	[ -e "@root@/hosts/birch/live/services/$service.conf" ] || {
		echo "$service is missing"
		exit 1
	}
done
