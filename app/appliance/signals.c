/* SPDX-License-Identifier: BSD-3-Clause */
/* Handlers only count; the main thread looks in its own time. */
#include <pthread.h>
#include <signal.h>

#include "appliance/signals.h"
#include "base/compiler.h"

static const int caught[] = { SIGTERM, SIGINT, SIGHUP };

/* Written by the handler. */
static volatile sig_atomic_t stops;
static volatile sig_atomic_t reload_asked;
/* Written before the handler is there. */
static bool hup_reloads;

static void
count_signal(int sig)
{
	if (sig == SIGHUP && hup_reloads)
		reload_asked = 1;
	else
		stops++;
}

static void
mask(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		(void)sigaddset(&set, caught[i]);
	(void)pthread_sigmask(how, &set, NULL);
}

void
signals_catch(bool reloads)
{
	struct sigaction action = { .sa_handler = count_signal };

	hup_reloads = reloads;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < ARRAY_SIZE(caught); i++)
		(void)sigaction(caught[i], &action, NULL);
}

void
signals_hold(void)
{
	mask(SIG_BLOCK);
}

void
signals_release(void)
{
	mask(SIG_UNBLOCK);
}

int
signals_stops(void)
{
	return stops;
}

bool
signals_take_reload(void)
{
	bool asked = reload_asked != 0;

	reload_asked = 0;
	return asked;
}
