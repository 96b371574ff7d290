# Builds the files of one host; prints as a real build does.
PATH=/run/current-system/sw/bin:/usr/bin:/bin
mkdir -p "$out/services"
printf '%s\n' "$greeting" >"$out/motd"
for service in $services; do
	echo "compiling the configuration of $service"
	printf 'service %s\n' "$service" >"$out/services/$service.conf"
	sleep "$seconds"
done
echo "wrote $(ls "$out/services" | wc -l) services"
