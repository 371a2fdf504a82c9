/* log_records.h - records for tests of ledger logs: a record_head that names bytes and seq, then
 * a filling that follows from (seq, generation), so that whoever reads one back can tell whether
 * it is what was appended, and by which attempt. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_RECORD_BYTES_MIN 48

/* Writes a record of `bytes` (a multiple of 8, >= LOG_RECORD_BYTES_MIN). */
void log_record_make(char *at, uint32_t bytes, uint64_t seq, uint64_t generation);
/* True when the bytes are such a record; then its seq and generation. */
bool log_record_is(const char *at, size_t bytes, uint64_t *ret_seq, uint64_t *ret_generation);
/* `count` records of `bytes` each, seq_first and on. Returns the bytes written. */
size_t log_records_make(char *at, uint32_t bytes, uint64_t seq_first, uint32_t count,
                        uint64_t generation);
