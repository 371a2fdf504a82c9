/* uof_xml.c - contract in uof_xml.h. */
#include "feeds/uof/uof_xml.h"

#include <expat.h>
#include <limits.h>
#include <stdlib.h>

#include "base/error.h"

struct uof_xml {
    XML_Parser parser; /* owned */
    unsigned long hash_key;
    uof_xml_start start;
    void *owner;
    unsigned depth;
    int error; /* what ended the document early; 0: nothing did */
};

int uof_xml_new(uint64_t hash_key, struct uof_xml **ret)
{
    struct uof_xml *xml = calloc(1, sizeof *xml);
    if (xml == NULL)
        return -ERR_MEMORY;
    xml->hash_key = (unsigned long)hash_key;
    xml->parser = XML_ParserCreate("UTF-8");
    if (xml->parser == NULL) {
        free(xml);
        return -ERR_MEMORY;
    }
    *ret = xml;
    return 0;
}

void uof_xml_free(struct uof_xml *xml)
{
    if (xml == NULL)
        return;
    XML_ParserFree(xml->parser);
    free(xml);
}

/* After it expat may still call for what it has read; `error` keeps those calls from doing more. */
static void fail(struct uof_xml *xml, int error)
{
    if (xml->error == 0)
        xml->error = error;
    (void)XML_StopParser(xml->parser, XML_FALSE); /* fails only when it is stopped already */
}

static size_t count_attributes(const char *const *attributes)
{
    size_t count = 0;
    while (attributes[2 * count] != NULL)
        count++;
    return count;
}

static void on_start(void *owner, const XML_Char *name, const XML_Char **attributes)
{
    struct uof_xml *xml = owner;
    if (xml->error != 0)
        return;
    if (++xml->depth > UOF_DEPTH_MAX || count_attributes(attributes) > UOF_ATTRIBUTES_MAX) {
        fail(xml, -ERR_LIMIT);
        return;
    }
    int error = xml->start(xml->owner, xml->depth, name, attributes);
    if (error < 0)
        fail(xml, error);
}

static void on_end(void *owner, const XML_Char *name)
{
    struct uof_xml *xml = owner;
    (void)name;
    if (xml->depth > 0)
        xml->depth--;
}

static void on_document_type(void *owner, const XML_Char *name, const XML_Char *system,
                             const XML_Char *public, int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    fail(owner, -ERR_FORMAT);
}

int uof_xml_parse(struct uof_xml *xml, struct slice document, uof_xml_start start, void *owner)
{
    xml->start = start;
    xml->owner = owner;
    xml->depth = 0;
    xml->error = 0;
    if (document.bytes > INT_MAX || !XML_ParserReset(xml->parser, "UTF-8"))
        return -ERR_LIMIT;
    XML_SetUserData(xml->parser, xml); /* a reset forgets this and all that follows */
    (void)XML_SetHashSalt(xml->parser, xml->hash_key);
    XML_SetElementHandler(xml->parser, on_start, on_end);
    XML_SetStartDoctypeDeclHandler(xml->parser, on_document_type);
    enum XML_Status status =
        XML_Parse(xml->parser, document.at, (int)document.bytes, /* the last piece: */ 1);
    if (xml->error != 0)
        return xml->error;
    if (status == XML_STATUS_OK)
        return 0;
    return XML_GetErrorCode(xml->parser) == XML_ERROR_NO_MEMORY ? -ERR_LIMIT : -ERR_FORMAT;
}
