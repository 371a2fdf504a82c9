/* dynamo_clients.c - contract in dynamo_clients.h. */
#include "cli/node/dynamo_clients.h"

#include "adapters/curl/curl_signed.h"

int dynamo_clients_make(const struct dynamo_url *url, struct signed_client **ret_clients,
                        size_t count, struct buf *why)
{
    const struct curl_signed_options service = {.url = url->endpoint,
                                                .region = url->region,
                                                .service = "dynamodb",
                                                .ca_file =
                                                    url->ca_file[0] == '\0' ? NULL : url->ca_file};
    int error = 0;
    size_t made = 0;
    for (; made < count && error == 0; made += error == 0)
        error = curl_signed_new(&service, &ret_clients[made], why);
    for (size_t i = 0; i < made && error < 0; i++)
        ret_clients[i]->ops->free(ret_clients[i]);
    return error;
}
