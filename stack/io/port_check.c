/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be known before DPDK is asked: a better message than a driver's is the whole point. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <net/if.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/port.h"

#define TUN_DEVICE "/dev/net/tun"

/* May we administer this network namespace? */
static bool
is_net_admin(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) != 0)
		return true; /* the attempt itself will tell */
	return (data[0].effective & (1u << CAP_NET_ADMIN)) != 0;
}

static int
check_tap(const struct port_params *par, struct io_error *err)
{
	const char *iface = par->device != NULL ? par->device : "sluice0";
	int fd;

	if (if_nametoindex(iface) != 0)
		return io_fail(err, -EEXIST,
			"port %s: an interface %s exists already. "
			"Fix: choose another name in ports.%s.iface, or end whoever uses it",
			par->name, iface, par->name);
	fd = open(TUN_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return io_fail(err, -errno, "port %s: cannot open %s: %s. Fix: %s", par->name,
			TUN_DEVICE, strerror(errno),
			errno == ENOENT ? "load the kernel's tun driver (modprobe tun)"
					: "run as root, or inside `unshare -Urn`");
	(void)close(fd);
	if (!is_net_admin())
		return io_fail(err, -EPERM,
			"port %s: no right to make the interface %s. "
			"Fix: run as root, or inside `unshare -Urn`, or give CAP_NET_ADMIN",
			par->name, iface);
	return 0;
}

static int
check_iface(const struct port_params *par, struct io_error *err)
{
	int fd;

	if (par->device == NULL)
		return io_fail(err, -EINVAL, "port %s: which interface? Fix: set ports.%s.iface",
			par->name, par->name);
	if (if_nametoindex(par->device) == 0)
		return io_fail(err, -ENODEV,
			"port %s: no interface %s in this network namespace. "
			"Fix: create it, or name an existing one in ports.%s.iface (ip -br link)",
			par->name, par->device, par->name);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return io_fail(err, -errno,
			"port %s: no right to use %s directly: %s. "
			"Fix: run as root, or give CAP_NET_RAW and CAP_NET_ADMIN",
			par->name, par->device, strerror(errno));
	(void)close(fd);
	return 0;
}

/* Connect to a socket; what becomes of it tells who is there. */
static int
try_socket(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	(void)snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) != 0)
		rc = -errno;
	(void)close(fd);
	return rc;
}

void
port_remove_stale_socket(const struct port_params *par)
{
	struct stat st;

	if (par->type == PORT_TYPE_VHOST && lstat(par->device, &st) == 0 && S_ISSOCK(st.st_mode) &&
		try_socket(par->device) == -ECONNREFUSED)
		(void)unlink(par->device);
}

static int
check_socket(const struct port_params *par, struct io_error *err)
{
	char dir[PATH_MAX];
	const char *slash;
	int rc;

	if (par->device == NULL)
		return io_fail(err, -EINVAL, "port %s: which socket? Fix: set ports.%s.path",
			par->name, par->name);
	rc = try_socket(par->device);
	if (par->type == PORT_TYPE_VIRTIO_USER && rc != 0)
		return io_fail(err, rc,
			"port %s: nobody serves %s: %s. "
			"Fix: start the vhost side first",
			par->name, par->device, strerror(-rc));
	if (par->type != PORT_TYPE_VHOST)
		return 0;
	if (rc == 0)
		return io_fail(err, -EADDRINUSE,
			"port %s: %s is served by another process. "
			"Fix: end it, or choose another path",
			par->name, par->device);
	slash = strrchr(par->device, '/');
	(void)snprintf(dir, sizeof(dir), "%.*s", slash != NULL ? (int)(slash - par->device) : 1,
		slash != NULL ? par->device : ".");
	if (access(dir[0] != '\0' ? dir : "/", W_OK) != 0)
		return io_fail(err, -errno,
			"port %s: cannot create a socket in %s: %s. "
			"Fix: create the directory, writable for us",
			par->name, dir, strerror(errno));
	return 0;
}

static int
check_address(const struct port_params *par, struct io_error *err)
{
	char path[PATH_MAX];
	struct stat st;

	if (par->device == NULL)
		return io_fail(err, -EINVAL, "port %s: which device? Fix: set ports.%s.address",
			par->name, par->name);
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", par->device);
	if (stat(path, &st) != 0)
		return io_fail(err, -ENODEV,
			"port %s: no PCI device %s. "
			"Fix: look for it with lspci -D, and set ports.%s.address",
			par->name, par->device, par->name);
	return 0;
}

int
port_check_host(const struct port_params *par, struct io_error *err)
{
	const struct port_type_desc *type = port_type_desc(par->type);

	if (par->mtu > type->mtu_max)
		return io_fail(err, -EINVAL,
			"port %s: MTU %u, but %s carries %u at most. "
			"Fix: lower ports.%s.mtu",
			par->name, par->mtu, type->name, type->mtu_max, par->name);
	if (par->type == PORT_TYPE_TAP)
		return check_tap(par, err);
	if ((type->flags & PORT_F_IFACE) != 0)
		return check_iface(par, err);
	if ((type->flags & PORT_F_SOCKET) != 0)
		return check_socket(par, err);
	if ((type->flags & PORT_F_ADDRESS) != 0)
		return check_address(par, err);
	return 0;
}
