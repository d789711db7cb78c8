// expat for Swift.
#ifndef GW_CEXPAT_H
#define GW_CEXPAT_H

#include <expat.h>

#endif
