/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and packet pools over DPDK's devices without hardware; no hugepages, no rights needed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "io/eal.h"
#include "io/port.h"

#define PACKETS 4096u

static struct rte_mempool *pool;

static struct port_params
params_of(enum port_type type)
{
	return (struct port_params){
		.name = "wan0",
		.type = type,
		.queues = 1,
		.rx_descriptors = 256,
		.tx_descriptors = 256,
		.mtu = 1500,
		.csum_offload = true,
	};
}

static int
start_dpdk(void **state)
{
	const struct eal_params par = {
		.workers = 1,
		.memory_bytes = mbuf_pool_bytes(PACKETS, port_payload_bytes(1500)),
		.memory = EAL_MEMORY_NORMAL,
	};
	const struct mbuf_pool_params pool_par = {
		.name = "test",
		.count = PACKETS,
		.payload_max = port_payload_bytes(1500),
		.socket = SOCKET_ID_ANY,
		.oversubscribed = true,
	};
	struct eal_facts facts;
	struct io_error err;

	(void)state;
	if (eal_start(&par, &facts, &err) != 0 || mbuf_claim_app_area(&err) != 0 ||
		mbuf_pool_create(&pool_par, &pool, &err) != 0) {
		print_error("%s\n", err.text);
		return -1;
	}
	return 0;
}

static int
stop_dpdk(void **state)
{
	(void)state;
	eal_stop();
	return 0;
}

static void
each_type_has_its_device_string(void **state)
{
	static const struct {
		enum port_type type;
		const char *device;
		bool mac;
		const char *expected;
	} rows[] = {
		{ PORT_TYPE_TAP, NULL, false, "net_tap0,iface=sluice0" },
		{ PORT_TYPE_TAP, "x7", true, "net_tap0,iface=x7" },
		{ PORT_TYPE_AF_PACKET, "eth1", false,
			"net_af_packet0,iface=eth1,qpairs=3,framecnt=4096,qdisc_bypass=1" },
		{ PORT_TYPE_AF_XDP, "eth1", false, "net_af_xdp0,iface=eth1" },
		{ PORT_TYPE_VHOST, "/run/a b.sock", false,
			"net_vhost0,iface=/run/a b.sock,queues=3" },
		{ PORT_TYPE_VIRTIO_USER, "/x", false,
			"net_virtio_user0,path=/x,queues=3,queue_size=1024" },
		{ PORT_TYPE_VIRTIO_USER, "/x", true,
			"net_virtio_user0,path=/x,queues=3,queue_size=1024,mac=02:00:00:00:00:07" },
		{ PORT_TYPE_RING, NULL, false, "net_ring0" },
		{ PORT_TYPE_NULL, NULL, false, "net_null0,no-rx=1" },
		{ PORT_TYPE_PCI, "0000:02:00.0", false, "0000:02:00.0" },
	};
	char text[128];

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_params par = params_of(rows[i].type);

		par.queues = 3;
		par.device = rows[i].device;
		if (rows[i].mac)
			par.mac = (struct mac_addr){ { 2, 0, 0, 0, 0, 7 } };
		assert_int_equal(port_device_string(&par, text, sizeof(text)), 0);
		assert_string_equal(text, rows[i].expected);
		for (size_t len = 1; len <= strlen(rows[i].expected); len++)
			assert_int_equal(port_device_string(&par, text, len), -E2BIG);
	}
}

static void
a_device_name_cannot_bring_arguments_along(void **state)
{
	struct port_params par = params_of(PORT_TYPE_TAP);
	char text[128];

	(void)state;
	par.device = "x,remote=eth0";
	assert_int_equal(port_device_string(&par, text, sizeof(text)), -EINVAL);
}

static void
what_is_missing_is_said_with_its_fix(void **state)
{
	static const struct {
		enum port_type type;
		const char *device;
		uint16_t mtu;
		int code;
		const char *says;
	} rows[] = {
		{ PORT_TYPE_AF_PACKET, NULL, 1500, -EINVAL, "which interface?" },
		{ PORT_TYPE_AF_PACKET, "nosuch0", 1500, -ENODEV, "no interface nosuch0" },
		{ PORT_TYPE_AF_XDP, "nosuch0", 1500, -ENODEV, "no interface nosuch0" },
		{ PORT_TYPE_TAP, "lo", 1500, -EEXIST, "lo exists already" },
		{ PORT_TYPE_TAP, NULL, 9000, -EINVAL, "carries 1500 at most" },
		{ PORT_TYPE_VHOST, "/nosuch/x.sock", 1500, -ENOENT,
			"cannot create a socket in /nosuch" },
		{ PORT_TYPE_VIRTIO_USER, "/nosuch/x.sock", 1500, -ENOENT, "nobody serves" },
		{ PORT_TYPE_PCI, NULL, 1500, -EINVAL, "which device?" },
		{ PORT_TYPE_PCI, "ffff:ff:1f.7", 1500, -ENODEV, "no PCI device ffff:ff:1f.7" },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		struct port_params par = params_of(rows[i].type);
		struct io_error err = { "" };
		struct port port;

		par.device = rows[i].device;
		par.mtu = rows[i].mtu;
		assert_int_equal(port_attach(&port, &par, &err), rows[i].code);
		if (strstr(err.text, rows[i].says) == NULL || strstr(err.text, "Fix: ") == NULL)
			fail_msg("row %u: %s", i, err.text);
	}
}

static void
a_port_that_offers_nothing_gets_no_offloads(void **state)
{
	struct port_params par = params_of(PORT_TYPE_NULL);
	struct io_error err;
	struct port port;

	(void)state;
	par.queues = 2;
	assert_int_equal(port_attach(&port, &par, &err), 0);
	assert_int_equal(port_start(&port, pool, &err), 0);
	assert_int_equal(port.queues, 2);
	assert_int_equal(port.tx_caps, 0);
	assert_false(port.rx_csum);
	assert_false(mac_addr_is_zero(&port.mac));
	assert_false(mac_addr_is_multicast(&port.mac));
	assert_int_equal(port_rx_fd(&port, 0), -1);
	port_close(&port);
}

static void
frames_pass_a_port_unchanged(void **state)
{
	struct port_params par = params_of(PORT_TYPE_RING);
	struct pkt_source source = mbuf_source(pool);
	struct pkt *out, *in = NULL;
	struct io_error err;
	struct port port;

	(void)state;
	assert_int_equal(port_attach(&port, &par, &err), 0);
	assert_int_equal(port_start(&port, pool, &err), 0);
	assert_int_equal(source.alloc(source.ctx, &out, 1), 1);
	out->data_off = PKT_HEADROOM;
	pkt_set_len(out, 60);
	memset(pkt_data(out), 0xa5, 60);
	assert_int_equal(rte_eth_tx_burst(port.id, 0, mbuf_array_of(&out), 1), 1);
	assert_int_equal(rte_eth_rx_burst(port.id, 0, mbuf_array_of(&in), 1), 1);
	assert_ptr_equal(in, out);
	assert_int_equal(in->data_len, 60);
	assert_int_equal(pkt_data(in)[59], 0xa5);
	mbuf_free_burst(&in, 1);
	port_close(&port);
}

static void
a_pool_gives_every_packet_once_and_then_none(void **state)
{
	static struct pkt *pkts[PACKETS];
	struct pkt_source source = mbuf_source(pool);
	unsigned int total = source.avail(source.ctx);
	struct pkt *one;

	(void)state;
	assert_in_range(total, PACKETS - 64, PACKETS);
	for (unsigned int i = 0; i < total; i++) {
		assert_int_equal(source.alloc(source.ctx, &pkts[i], 1), 1);
		assert_int_equal(pkts[i]->refcnt, 1);
		assert_int_equal(pkts[i]->nb_segs, 1);
		assert_null(pkts[i]->seg_next);
		assert_true(pkts[i]->buf_len >= PKT_HEADROOM + port_payload_bytes(1500));
	}
	assert_int_equal(source.avail(source.ctx), 0);
	assert_int_equal(source.alloc(source.ctx, &one, 1), 0);
	for (unsigned int i = 0; i < total; i += 64)
		source.free(source.ctx, pkts + i, min_u32(64, total - i));
	assert_int_equal(source.avail(source.ctx), total);
}

static void
our_bytes_of_a_packet_survive_the_driver_and_the_pool_knows_it_back(void **state)
{
	struct pkt_source source = mbuf_source(pool);
	unsigned int before = source.avail(source.ctx);
	struct pkt *p;

	(void)state;
	assert_int_equal(source.alloc(source.ctx, &p, 1), 1);
	memset(&p->app, 0x5a, sizeof(p->app));
	assert_int_equal(rte_mbuf_check(mbuf_of(p), 1, &(const char *){ NULL }), 0);
	assert_ptr_equal(p->mempool, pool);
	source.free(source.ctx, &p, 1);
	assert_int_equal(source.avail(source.ctx), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_type_has_its_device_string),
		cmocka_unit_test(a_device_name_cannot_bring_arguments_along),
		cmocka_unit_test(what_is_missing_is_said_with_its_fix),
		cmocka_unit_test(a_port_that_offers_nothing_gets_no_offloads),
		cmocka_unit_test(frames_pass_a_port_unchanged),
		cmocka_unit_test(a_pool_gives_every_packet_once_and_then_none),
		cmocka_unit_test(
			our_bytes_of_a_packet_survive_the_driver_and_the_pool_knows_it_back),
	};

	return cmocka_run_group_tests(tests, start_dpdk, stop_dpdk);
}
