/* SPDX-License-Identifier: BSD-3-Clause */
/* The blocks of a pcapng file (draft-ietf-opsawg-pcapng), in this machine's byte order. */
#include <string.h>

#include "pcapng.h"

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_INTERFACE 1u
#define BLOCK_STATISTICS 5u
#define BLOCK_FRAME 6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define LINKTYPE_ETHERNET 1u

#define OPT_END 0u
#define OPT_COMMENT 1u
#define OPT_IF_NAME 2u
#define OPT_IF_TSRESOL 9u
#define OPT_FLAGS 2u /* of a frame */
#define OPT_IF_RECEIVED 4u /* of the statistics */
#define OPT_IF_DROPPED 5u

#define FLAG_IN 1u
#define FLAG_OUT 2u

static void
put_u16(FILE *out, uint32_t value)
{
	uint16_t v = (uint16_t)value;

	(void)fwrite(&v, sizeof(v), 1, out);
}

static void
put_u32(FILE *out, uint32_t value)
{
	(void)fwrite(&value, sizeof(value), 1, out);
}

static uint32_t
padded(size_t len)
{
	return (uint32_t)((len + 3) / 4 * 4);
}

/* Bytes, and zeros up to a multiple of 4. */
static void
put_bytes(FILE *out, const void *data, size_t len)
{
	(void)fwrite(data, 1, len, out);
	(void)fwrite("\0\0\0", 1, padded(len) - len, out);
}

static uint32_t
option_len(size_t len)
{
	return 4 + padded(len);
}

static void
put_option(FILE *out, uint32_t code, const void *data, size_t len)
{
	put_u16(out, code);
	put_u16(out, (uint32_t)len);
	put_bytes(out, data, len);
}

/* High half first, whatever the byte order. */
static void
put_time(FILE *out, uint64_t at_ns)
{
	put_u32(out, (uint32_t)(at_ns >> 32));
	put_u32(out, (uint32_t)at_ns);
}

void
pcapng_begin(FILE *out)
{
	static const char name[] = "sluice";
	const uint8_t resolution = 9; /* nanoseconds */
	uint32_t len = 20 + option_len(strlen(name)) + option_len(1) + 4;

	put_u32(out, BLOCK_SECTION);
	put_u32(out, 28);
	put_u32(out, BYTE_ORDER_MAGIC);
	put_u16(out, 1); /* version 1.0 */
	put_u16(out, 0);
	put_u32(out, UINT32_MAX); /* the section's length is not known */
	put_u32(out, UINT32_MAX);
	put_u32(out, 28);

	put_u32(out, BLOCK_INTERFACE);
	put_u32(out, len);
	put_u16(out, LINKTYPE_ETHERNET);
	put_u16(out, 0);
	put_u32(out, 0); /* no limit */
	put_option(out, OPT_IF_NAME, name, strlen(name));
	put_option(out, OPT_IF_TSRESOL, &resolution, 1);
	put_option(out, OPT_END, "", 0);
	put_u32(out, len);
}

void
pcapng_frame(FILE *out, const struct pcapng_frame *frame)
{
	uint32_t flags = frame->is_sent ? FLAG_OUT : FLAG_IN;
	uint32_t len = 32 + padded(frame->data_len) + option_len(sizeof(flags)) + 4;

	if (frame->comment != NULL)
		len += option_len(strlen(frame->comment));
	put_u32(out, BLOCK_FRAME);
	put_u32(out, len);
	put_u32(out, 0); /* the interface */
	put_time(out, frame->at_ns);
	put_u32(out, frame->data_len);
	put_u32(out, frame->frame_len);
	put_bytes(out, frame->data, frame->data_len);
	put_option(out, OPT_FLAGS, &flags, sizeof(flags));
	if (frame->comment != NULL)
		put_option(out, OPT_COMMENT, frame->comment, strlen(frame->comment));
	put_option(out, OPT_END, "", 0);
	put_u32(out, len);
}

void
pcapng_end(FILE *out, uint64_t at_ns, uint64_t taken, uint64_t lost)
{
	const uint64_t received = taken + lost;
	uint32_t len = 24 + 2 * option_len(sizeof(lost)) + 4;

	put_u32(out, BLOCK_STATISTICS);
	put_u32(out, len);
	put_u32(out, 0);
	put_time(out, at_ns);
	put_option(out, OPT_IF_RECEIVED, &received, sizeof(received));
	put_option(out, OPT_IF_DROPPED, &lost, sizeof(lost));
	put_option(out, OPT_END, "", 0);
	put_u32(out, len);
}
