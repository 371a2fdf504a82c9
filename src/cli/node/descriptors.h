/* descriptors.h - connections are descriptors: as many as the machine lets us have. Thread: any,
 * before others run. */
#pragma once

/* Up to the hard limit of this process. Where that is refused, what limits connections is reached
 * earlier. */
void descriptors_raise(void);
