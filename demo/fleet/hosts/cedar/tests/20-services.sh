#!/bin/sh
# Every service of the configuration is there.
for service in files backup; do
	[ -e "@root@/hosts/cedar/live/services/$service.conf" ] || {
		echo "$service is missing"
		exit 1
	}
done
