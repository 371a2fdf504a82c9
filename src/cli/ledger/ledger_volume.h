/* ledger_volume.h - `overround ledger volume-lost`: for the operator of a ledger in two directories
 * of which one is gone for good. Thread: the main one. */
#pragma once

/* argv is what stands behind the command's name. Tells what the directory that is left holds and
 * what may be lost; with --accept-loss yes it is all of the log from now on. 0: told, and done if
 * so asked; 1, 2, 3 as in command.h. */
int ledger_volume_lost(int argc, char *const *argv);
