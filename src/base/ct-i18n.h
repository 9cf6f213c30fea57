#pragma once

#include <glib/gi18n-lib.h>
