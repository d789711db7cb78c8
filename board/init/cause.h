#ifndef GATEWARDEN_CAUSE_H
#define GATEWARDEN_CAUSE_H

/* Why the firmware is started: for its boot record. Texts are one line of printable ASCII. */

enum { CAUSE_BYTES = 160 };

/* What init did to a partition that was faulty: one line. */
#define REPAIRED "/run/gatewarden-repaired"

/* Why the board started, by what the last system left behind: once, when data is mounted. */
void cause_of_start(char cause[CAUSE_BYTES]);

/* For the next start of the board: how this one was ended orderly. Before the disks are put in order. */
void cause_leave_for_next_start(const char *cause);

/* For the firmware's next start, owned by its user. */
void cause_leave_for_firmware(const char *cause, unsigned user);

/* Whether the firmware has taken what was left for it. */
int cause_is_taken(void);

#endif
