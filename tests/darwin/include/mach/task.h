/* libuv's header wants it there. */
