// SwiftPM wants one source file in a C target; the header says what the module is.
#include "CExpat.h"
