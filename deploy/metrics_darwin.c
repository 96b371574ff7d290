#include <mach/mach.h>
#include <sys/sysctl.h>
#include <sys/types.h>

#include <stdlib.h>

#include "metrics.h"

const char metrics_stasysmo[] = "/tmp/stasysmo";

static bool
read_cpu(struct metrics_state *s, double *cpu)
{
	host_cpu_load_info_data_t info;
	mach_msg_type_number_t n = HOST_CPU_LOAD_INFO_COUNT;
	uint64_t total = 0;
	int i;

	if (host_statistics(mach_host_self(), HOST_CPU_LOAD_INFO,
	    (host_info_t)&info, &n) != KERN_SUCCESS)
		return (false);
	for (i = 0; i < CPU_STATE_MAX; i++)
		total += info.cpu_ticks[i];
	*cpu = metrics_cpu(s, total - info.cpu_ticks[CPU_STATE_IDLE], total);
	return (true);
}

static double
read_ram(void)
{
	vm_statistics64_data_t vm;
	mach_msg_type_number_t n = HOST_VM_INFO64_COUNT;
	uint64_t total;
	size_t size = sizeof(total);

	if (sysctlbyname("hw.memsize", &total, &size, NULL, 0) == -1 ||
	    total == 0 || host_statistics64(mach_host_self(), HOST_VM_INFO64,
	    (host_info64_t)&vm, &n) != KERN_SUCCESS)
		return (0);
	return (100.0 * (double)(vm.active_count + vm.wire_count +
	    vm.compressor_page_count) * (double)vm_page_size / (double)total);
}

static double
read_swap(void)
{
	struct xsw_usage swap;
	size_t size = sizeof(swap);

	if (sysctlbyname("vm.swapusage", &swap, &size, NULL, 0) == -1 ||
	    swap.xsu_total == 0)
		return (0);
	return (100.0 * (double)swap.xsu_used / (double)swap.xsu_total);
}

bool
metrics_kernel(struct metrics_state *s, struct metrics *m)
{
	struct metrics new = { 0 };

	if (!read_cpu(s, &new.cpu))
		return (false);
	new.ram = read_ram();
	new.swap = read_swap();
	if (getloadavg(&new.load, 1) != 1)
		new.load = 0;
	*m = new;
	return (true);
}
