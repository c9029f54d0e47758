/* SPDX-License-Identifier: BSD-3-Clause */
/* The control protocol: limits, names of errors, and the shape of what goes over the socket. */
#ifndef CTL_PROTOCOL_H
#define CTL_PROTOCOL_H

/*
 * A Unix stream socket; one JSON object (RFC 8259) per line each way. On connecting the client gets
 *
 *	{"sluice":"0.1.0","protocol":1,"schema_version":1,"role":"admin"}
 *
 * and sends requests, answered in order, each by one line:
 *
 *	{"cmd":"get","args":{"name":"tcp_sack"},"id":7}
 *	{"id":7,"schema_version":1,"ts_ns":...,"uptime_s":...,"tunables":[...]}
 *	{"id":7,"schema_version":1,"error":{"code":"E_...","message":"...","hint":"..."}}
 *
 * Long listings come as several lines with "more":true, the last one with "more":false; each holds
 * the next rows. Members that a reader does not know are to be ignored, on both sides. "id" may be
 * left out; "args" too. ts_ns is the daemon's monotonic clock, for rates between two answers.
 */

#define CTL_PROTOCOL_VERSION 1
#define CTL_SCHEMA_VERSION 1
#define CTL_SOCKET_DEFAULT "/run/sluice/control.sock"

#define CTL_FRAME_MAX 65536u /* bytes of a request, its newline included */
#define CTL_ANSWER_MAX 196608u /* bytes of an answer's line, the newline included */
#define CTL_DEPTH_MAX 16u /* nested arrays and objects of a request */

/** Flag of jansson for our reals: 0.2, not 0.20000000000000001. */
#define CTL_JSON_REAL JSON_REAL_PRECISION(12)

/** What a peer may do; each includes those before it. */
enum ctl_role {
	CTL_READ, /* look */
	CTL_OPERATE, /* and change tunables */
	CTL_ADMIN, /* and stop the daemon */
};

/** Error codes, the value of error.code. */
#define CTL_E_SYNTAX "E_SYNTAX" /* not JSON, or not a request */
#define CTL_E_TOO_LONG "E_TOO_LONG" /* a request beyond CTL_FRAME_MAX; the connection ends */
#define CTL_E_UNKNOWN_COMMAND "E_UNKNOWN_COMMAND"
#define CTL_E_BAD_ARGUMENT "E_BAD_ARGUMENT"
#define CTL_E_UNKNOWN_TUNABLE "E_UNKNOWN_TUNABLE"
#define CTL_E_REFUSED "E_REFUSED" /* the value, for a reason the message gives */
#define CTL_E_PERMISSION "E_PERMISSION"
#define CTL_E_CONFIG "E_CONFIG" /* the configuration file is wrong, or needs a restart */
#define CTL_E_BUSY "E_BUSY" /* try again */
#define CTL_E_TIMEOUT "E_TIMEOUT" /* the request came too slowly; the connection ends */
#define CTL_E_TOO_MANY "E_TOO_MANY" /* clients; the connection ends */
#define CTL_E_INTERNAL "E_INTERNAL"

#endif
