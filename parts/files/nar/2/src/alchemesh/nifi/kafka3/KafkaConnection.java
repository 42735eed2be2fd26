package alchemesh.nifi.kafka3;

import java.util.List;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.nifi.controller.ControllerService;

/** Brokers, and who a processor is to them. */
public interface KafkaConnection extends ControllerService {

    /** A consumer of topics. */
    KafkaConsumer<byte[], byte[]> consumer(String group, String reset, List<String> topics);
}
