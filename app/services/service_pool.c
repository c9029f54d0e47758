/* SPDX-License-Identifier: BSD-3-Clause */
/* A bounded pool of equal objects with a free list inside the free objects. */
#include <assert.h>
#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "services/service_pool.h"

int
service_pool_init(struct service_pool *pool, size_t object_bytes, uint32_t capacity)
{
	size_t align = alignof(max_align_t);

	assert(object_bytes >= sizeof(uint32_t));
	memset(pool, 0, sizeof(*pool));
	pool->object_bytes = (object_bytes + align - 1) / align * align;
	pool->base = calloc(capacity, pool->object_bytes);
	if (pool->base == NULL)
		return -ENOMEM;
	pool->capacity = capacity;
	return 0;
}

void
service_pool_destroy(struct service_pool *pool)
{
	free(pool->base);
	memset(pool, 0, sizeof(*pool));
}

void *
service_pool_at(const struct service_pool *pool, uint32_t i)
{
	assert(i < pool->fresh);
	return pool->base + (size_t)i * pool->object_bytes;
}

void *
service_pool_get(struct service_pool *pool)
{
	void *object;

	if (pool->free_head != 0) {
		object = service_pool_at(pool, pool->free_head - 1);
		memcpy(&pool->free_head, object, sizeof(pool->free_head));
	} else if (pool->fresh < pool->capacity) {
		object = pool->base + (size_t)pool->fresh++ * pool->object_bytes;
	} else {
		return NULL;
	}
	pool->in_use++;
	return object;
}

void
service_pool_put(struct service_pool *pool, void *object)
{
	size_t offset = (size_t)((unsigned char *)object - pool->base);

	assert(pool->in_use > 0);
	assert(offset % pool->object_bytes == 0 && offset / pool->object_bytes < pool->fresh);
	memcpy(object, &pool->free_head, sizeof(pool->free_head));
	pool->free_head = (uint32_t)(offset / pool->object_bytes) + 1;
	pool->in_use--;
}
