/* The number of elements of an array whose size is known here. */
#ifndef TUVI_BASE_ARRAY_H
#define TUVI_BASE_ARRAY_H

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

#endif
