/* SPDX-License-Identifier: BSD-3-Clause */
/* Breaks each invariant on purpose and sees to it that the checks notice. */
#ifndef SIM_SABOTAGE_H
#define SIM_SABOTAGE_H

/** Play every way to break an invariant; 0 if each was found out by the check meant for it. */
int sabotage_all(void);

#endif
