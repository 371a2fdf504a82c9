/* sign_pem.h - a key that everybody knows: TEST 1 of RFC 8032 section 7.1, as PKCS 8. */
#pragma once

#define SIGN_PEM                                                                                   \
    "-----BEGIN PRIVATE KEY-----\n"                                                                \
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"                           \
    "-----END PRIVATE KEY-----\n"
