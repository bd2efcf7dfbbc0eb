/*
** luaopen: libcurl is initialised once for the process, and this module is
** pinned in memory. A host that closes its Lua state would otherwise unmap
** libcurl under its resolver threads (seen: SIGSEGV).
*/
#include "core.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>

static CURLcode ready = CURLE_FAILED_INIT;
static int (*ask_yieldable) (lua_State *);      /* NULL: not to be had */

static void initialise (void) {
  Dl_info self;
  ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (dladdr((void *)&ready, &self) != 0 && self.dli_fname != NULL)
    /* cppcheck-suppress leakReturnValNotUsed; to keep it is the purpose */
    dlopen(self.dli_fname, RTLD_NOW | RTLD_NODELETE);
  *(void **)&ask_yieldable = dlsym(RTLD_DEFAULT, "lua_isyieldable");
}

static void set_version (lua_State *L, const char *name, const char *s) {
  lua_pushstring(L, s != NULL ? s : "none");
  lua_setfield(L, -2, name);
}

static void push_versions (lua_State *L,
                           const curl_version_info_data *curl) {
  lua_newtable(L);
  set_version(L, "libcurl", curl->version);
  set_version(L, "tls", curl->ssl_version);
  set_version(L, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING));
}

/* {======================================================
** A host that has an OpenSSL of its own inside offers it to libcurl, too.
** All of it serves (seen: nginx with 3.5 inside, libcurl made for 3.0). A
** part would get objects that the rest, from another library, has made.
** ======================================================= */

#if defined(__GLIBC__)

#include <link.h>

static const char *const essential[] = {
  "SSL_CTX_new", "SSL_CTX_ctrl", "SSL_CTX_free", "SSL_CTX_get_cert_store",
  "SSL_CTX_set_alpn_protos", "SSL_CTX_set_cert_store",
  "SSL_CTX_set_cipher_list", "SSL_CTX_set_options", "SSL_CTX_set_verify",
  "SSL_new", "SSL_connect", "SSL_ctrl", "SSL_free", "SSL_get_error",
  "SSL_get_verify_result", "SSL_get1_peer_certificate", "SSL_read",
  "SSL_set0_rbio", "SSL_set0_wbio", "SSL_set_connect_state", "SSL_shutdown",
  "SSL_write", "TLS_client_method", "BIO_meth_new", "BIO_new",
  "BIO_new_mem_buf", "CRYPTO_free", "ERR_get_error", "EVP_DigestInit_ex",
  "EVP_MD_fetch", "OPENSSL_sk_num", "PEM_X509_INFO_read_bio", "RAND_bytes",
  "X509_STORE_add_cert", "X509_STORE_load_file", "X509_get_ext_d2i"
};

#define ESSENTIALS ((int)(sizeof(essential) / sizeof(essential[0])))

struct place {
  uintptr_t address;
  const char *file;             /* "": the program itself */
};

static int note_file (struct dl_phdr_info *object, size_t size, void *user) {
  struct place *place = user;
  int i;
  (void)size;
  for (i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type == PT_LOAD &&
        place->address - object->dlpi_addr - part->p_vaddr < part->p_memsz) {
      place->file = object->dlpi_name;
      return 1;
    }
  }
  return 0;
}

/* the file of the host that has this function inside; NULL: none has. Unlike
** dladdr, this does not look for the nearest of the thousands of symbols. */
static const char *inside_of (const char *function) {
  struct place place = { (uintptr_t)dlsym(RTLD_DEFAULT, function), NULL };
  if (place.address == 0 || dl_iterate_phdr(note_file, &place) == 0 ||
      strstr(place.file, "/libssl.so") != NULL ||
      strstr(place.file, "/libcrypto.so") != NULL)
    return NULL;
  return place.file[0] != '\0' ? place.file : "this program";
}

static void refuse_half_an_openssl (lua_State *L) {
  const char *host = NULL;
  int i, inside = 0;
  for (i = 0; i < ESSENTIALS; i++) {
    const char *file = inside_of(essential[i]);
    if (file != NULL) {
      host = file;
      inside++;
    }
  }
  if (inside > 0 && inside < ESSENTIALS)
    luaL_error(L, "cloudcal: %s has a part of an OpenSSL inside, and libcurl "
               "would take the rest from libssl.so: link both with the same "
               "library", host);
}

#else
#define refuse_half_an_openssl(L) ((void)(L))
#endif

/* }====================================================== */

/* OpenSSL's queue is the thread's, and libcurl and OpenSSL leave errors in it
** that the host would take for its own */
void core_leave_no_error (void) {
  if (ERR_peek_error() != 0)    /* to clear an empty queue takes longer */
    ERR_clear_error();
}

/* random() -> number in [0, 1), other ones in other processes: for pauses,
** not for secrets. OpenSSL's generator needs memory, the clock does not. */
static int l_random (lua_State *L) {
  struct timespec t;
  uint64_t z;
  clock_gettime(CLOCK_REALTIME, &t);
  z = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec +
      ((uint64_t)getpid() << 40) + (uint64_t)(uintptr_t)&t;
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);     /* splitmix64 */
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  lua_pushnumber(L, (double)((z ^ z >> 31) >> 11) / CORE_MAX_EXACT);
  return 1;
}

/* random_bytes(n) -> so many bytes, 1 to CORE_MAX_RANDOM, for secrets; raises
** when the system's generator fails */
static int l_random_bytes (lua_State *L) {
  unsigned char b[CORE_MAX_RANDOM];
  lua_Number n = luaL_checknumber(L, 1);
  luaL_argcheck(L, n >= 1 && n <= CORE_MAX_RANDOM && n == (int)n, 1,
                "must be a whole number, 1 to 256");
  if (RAND_bytes(b, (int)n) != 1) {
    core_leave_no_error();
    return luaL_error(L, "cloudcal: OpenSSL has no random bytes");
  }
  lua_pushlstring(L, (char *)b, (size_t)n);
  OPENSSL_cleanse(b, sizeof(b));
  return 1;
}

/* isyieldable() -> boolean | nil: LuaJIT has lua_isyieldable, but nginx hides
** its Lua side; Lua 5.1 itself has none */
static int l_isyieldable (lua_State *L) {
  if (ask_yieldable == NULL)
    return 0;
  lua_pushboolean(L, ask_yieldable(L));
  return 1;
}

static const luaL_Reg core_functions[] = {
  { "random", l_random },
  { "random_bytes", l_random_bytes },
  { "isyieldable", l_isyieldable },
  { NULL, NULL }
};

CORE_EXPORT int luaopen_cloudcal_core (lua_State *L) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
  refuse_half_an_openssl(L);
  pthread_once(&once, initialise);
  if (ready != CURLE_OK)
    return luaL_error(L, "cloudcal: libcurl cannot start: %s",
                      curl_easy_strerror(ready));
  if (curl->version_num < 0x075800)
    return luaL_error(L, "cloudcal needs libcurl 7.88.0 or newer; %s is "
                      "loaded", curl->version);
  transfer_open(L);
  engine_open(L);
  files_open(L);
  lua_newtable(L);
  core_setfuncs(L, core_functions);
  core_setfuncs(L, engine_functions);
  core_setfuncs(L, text_functions);
  core_setfuncs(L, json_functions);
  core_setfuncs(L, digest_functions);
  core_setfuncs(L, files_functions);
  push_versions(L, curl);
  lua_setfield(L, -2, "versions");
  return 1;
}
