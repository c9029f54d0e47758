/* SPDX-License-Identifier: BSD-3-Clause */
/* A bounded pool of equal objects, allocated once, for what a service keeps per connection. */
#ifndef SERVICES_SERVICE_POOL_H
#define SERVICES_SERVICE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct service_pool {
	unsigned char *base;	/* capacity objects; pages never used are never touched */
	size_t object_bytes;	/* distance of two objects */
	uint32_t capacity;	/* objects at most */
	uint32_t fresh;		/* objects [fresh, capacity) were never handed out */
	uint32_t free_head;	/* index + 1 of the last one given back; 0: none */
	uint32_t in_use;	/* objects handed out */
};

/** Allocate room for capacity objects of object_bytes each (at least 4). 0 or -ENOMEM. */
int service_pool_init(struct service_pool *pool, size_t object_bytes, uint32_t capacity);

/** Give the memory back; objects still in use go with it. A zeroed pool is allowed. */
void service_pool_destroy(struct service_pool *pool);

/** An object with undefined contents, or NULL if capacity objects are in use. */
void *service_pool_get(struct service_pool *pool);

/** Give one back. */
void service_pool_put(struct service_pool *pool, void *object);

/**
 * Object number i of those ever handed out (i < pool->fresh), in use or not: for walks over all of
 * them. The first 4 bytes of an object not in use belong to the pool, the rest is as it was left.
 */
void *service_pool_at(const struct service_pool *pool, uint32_t i);

#endif
