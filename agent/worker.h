#ifndef WORKER_H
#define WORKER_H

/**
 * worker_main(op_id):
 * Do one operation of the journal, from its request to its result, and return
 * the exit status: 0 whenever a result is on disk.
 */
int	 worker_main(const char *op_id);

#endif
