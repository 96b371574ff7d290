/* What of macOS's <mach/mach.h> is used here; host_statistics(). */
#ifndef DARWIN_MACH_MACH_H
#define DARWIN_MACH_MACH_H

#include <stdint.h>

typedef int kern_return_t;
typedef unsigned mach_port_t, mach_msg_type_number_t;
typedef int *host_info_t, *host_info64_t;

enum { CPU_STATE_USER, CPU_STATE_SYSTEM, CPU_STATE_IDLE, CPU_STATE_NICE,
	CPU_STATE_MAX };
typedef struct {
	unsigned cpu_ticks[CPU_STATE_MAX];
} host_cpu_load_info_data_t;
typedef struct {
	unsigned active_count, wire_count, compressor_page_count;
} vm_statistics64_data_t;

#define KERN_SUCCESS	    0
#define HOST_CPU_LOAD_INFO  3
#define HOST_VM_INFO64	    4
#define HOST_CPU_LOAD_INFO_COUNT \
	((mach_msg_type_number_t)(sizeof(host_cpu_load_info_data_t) / 4))
#define HOST_VM_INFO64_COUNT \
	((mach_msg_type_number_t)(sizeof(vm_statistics64_data_t) / 4))

extern uintptr_t vm_page_size;

mach_port_t mach_host_self(void);
kern_return_t host_statistics(mach_port_t, int, host_info_t,
	    mach_msg_type_number_t *);
kern_return_t host_statistics64(mach_port_t, int, host_info64_t,
	    mach_msg_type_number_t *);

#endif
