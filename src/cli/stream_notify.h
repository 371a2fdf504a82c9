/* stream_notify.h - `overround stream notify`: tells customers' systems what their bets came to
 * (roles/notification/notice.h), each as a line of a file or as a POST to a webhook. An event is
 * committed when its notice was taken; so a notice may come twice after a crash, with the same
 * `seq`, and none is left out. Thread: main. */
#pragma once

/* The exit code. */
int stream_notify(int argc, char *const *argv);
